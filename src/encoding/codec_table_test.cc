#include <gtest/gtest.h>

#include <set>

#include "encoding/codec.h"
#include "encoding/test_encode.h"
#include "pilum/error.h"

namespace pilum::encoding {
namespace {

TEST(CodecTable, NamesAndDescriptorsAreUnique) {
  std::set<std::string_view> names;
  std::set<int> cases;
  for (const Codec* codec : AllCodecs()) {
    EXPECT_TRUE(names.insert(codec->name).second) << codec->name;
    EXPECT_TRUE(cases.insert(codec->wire_case).second) << codec->name;
    EXPECT_TRUE(codec->mini_block || codec->block || codec->per_value) << codec->name;
  }
}

TEST(CodecTable, EncodingsOutsideTheirRoleAreUnsupported) {
  EXPECT_EQ(GetErrorKind(MakePerValueDecoder(FlatWire(8)).status()), ErrorKind::kUnsupported);
  EXPECT_EQ(GetErrorKind(MakeBlockDecoder(ByteStreamSplitWire(32)).status()),
            ErrorKind::kUnsupported);
  EXPECT_EQ(GetErrorKind(MakeMiniBlockDecoder(OutOfLineBitpackingWire(16, 3)).status()),
            ErrorKind::kUnsupported);
}

TEST(CodecTable, DescriptorsWithoutAnEncodingAreCorrupt) {
  EXPECT_EQ(GetErrorKind(MakeMiniBlockDecoder(Wire()).status()), ErrorKind::kCorruptData);
}

TEST(CodecTable, EncodingsNotListedAreUnsupported) {
  Wire wire;
  wire.mutable_constant()->set_value("x");
  EXPECT_EQ(GetErrorKind(MakeMiniBlockDecoder(wire).status()), ErrorKind::kUnsupported);
}

}  // namespace
}  // namespace pilum::encoding
