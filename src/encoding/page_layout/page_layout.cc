#include "encoding/page_layout/page_layout.h"

#include <string>

#include "encoding/page_layout/blob_page.h"
#include "encoding/page_layout/constant_page.h"
#include "encoding/page_layout/full_zip.h"
#include "encoding/page_layout/mini_block.h"
#include "pilum/error.h"

namespace pilum::encoding {

arrow::Result<std::unique_ptr<PageLayout>> MakePageLayout(
    const lance::encodings21::PageLayout& wire, const PageLocation& location,
    const LevelScheme& scheme, const LeafType& type) {
  using Wire21 = lance::encodings21::PageLayout;
  switch (wire.layout_case()) {
    case Wire21::kMiniBlockLayout:
      return MakeMiniBlockPage(wire.mini_block_layout(), location, scheme, type);
    case Wire21::kFullZipLayout:
      return MakeFullZipPage(wire.full_zip_layout(), location, scheme, type);
    case Wire21::kConstantLayout:
      return MakeConstantPage(wire.constant_layout(), location, scheme, type);
    case Wire21::kBlobLayout:
      return MakeBlobPage(wire.blob_layout(), location, scheme, type);
    default:
      return MakeError(ErrorKind::kUnsupported, "page layout number " +
                                                    std::to_string(wire.layout_case()) +
                                                    " belongs to an unstable storage version");
  }
}

}  // namespace pilum::encoding
