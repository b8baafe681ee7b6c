#include "dataset/manifest_file.h"

#include <gtest/gtest.h>

#include "dataset/manifest.h"
#include "dataset/test_manifest.h"

namespace pilum::dataset {
namespace {

TEST(ManifestFile, KeepsItsSections) {
  ManifestFile file{SmallManifest(), "indices", "transaction"};
  std::string bytes = SerializeManifestFile(&file);
  auto parsed = ParseManifestFile(AsBytes(bytes)).ValueOrDie();
  EXPECT_EQ(parsed.index_section, "indices");
  EXPECT_EQ(parsed.transaction, "transaction");
  EXPECT_EQ(parsed.message.index_section(), 0u);
  EXPECT_EQ(parsed.message.transaction_section(), 11u);
  EXPECT_EQ(ParseManifest(AsBytes(bytes), "m").ValueOrDie().fragments.size(), 1u);
  EXPECT_EQ(SerializeManifestFile(&parsed), bytes);
}

TEST(ManifestFile, NeedsOnlyTheManifest) {
  ManifestFile file{SmallManifest(), {}, {}};
  std::string bytes = SerializeManifestFile(&file);
  auto parsed = ParseManifestFile(AsBytes(bytes)).ValueOrDie();
  EXPECT_FALSE(parsed.index_section);
  EXPECT_FALSE(parsed.transaction);
  EXPECT_EQ(bytes, FrameManifest(SmallManifest()));
}

TEST(ManifestFile, TransactionIsFoundUnderItsOldNumber) {
  ManifestFile file{SmallManifest(), {}, "transaction"};
  std::string bytes = SerializeManifestFile(&file);
  auto message = SmallManifest();
  message.set_transaction_section_legacy(0);
  std::string section = bytes.substr(0, 4 + 11);
  std::string framed = FrameManifest(message);
  const auto position = static_cast<char>(section.size());
  framed[framed.size() - 16] = position;
  EXPECT_EQ(ParseManifestFile(AsBytes(section + framed)).ValueOrDie().transaction, "transaction");
}

TEST(ManifestFile, SectionsOutsideTheFileAreRefused) {
  auto message = SmallManifest();
  message.set_transaction_section(1'000'000);
  std::string bytes = FrameManifest(message);
  ExpectError(ParseManifestFile(AsBytes(bytes)).status(), ErrorKind::kCorruptData, "transaction");
  message.clear_transaction_section();
  message.set_index_section(bytes.size() - 18);
  bytes = FrameManifest(message);
  ExpectError(ParseManifestFile(AsBytes(bytes)).status(), ErrorKind::kCorruptData, "index section");
}

TEST(ManifestFile, CutShortIsRefusedOrSound) {
  ManifestFile file{SmallManifest(), "indices", "transaction"};
  std::string bytes = SerializeManifestFile(&file);
  for (size_t i = 0; i < bytes.size(); ++i) {
    EXPECT_FALSE(ParseManifestFile(AsBytes(std::string_view(bytes).substr(0, i))).ok());
    std::string damaged = bytes;
    damaged[i] = static_cast<char>(damaged[i] ^ 0x80);
    (void)ParseManifestFile(AsBytes(damaged));
  }
}

}  // namespace
}  // namespace pilum::dataset
