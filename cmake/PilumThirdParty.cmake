# Libraries without a CMake package of their own in Debian: libpg_query, nlohmann-json and CRoaring.
find_path(PG_QUERY_INCLUDE_DIR pg_query.h REQUIRED)
find_library(PG_QUERY_LIBRARY pg_query REQUIRED)
add_library(pilum_pg_query INTERFACE IMPORTED GLOBAL)
target_include_directories(pilum_pg_query SYSTEM INTERFACE "${PG_QUERY_INCLUDE_DIR}")
target_link_libraries(pilum_pg_query INTERFACE "${PG_QUERY_LIBRARY}")

find_path(NLOHMANN_JSON_INCLUDE_DIR nlohmann/json.hpp REQUIRED)
add_library(pilum_json INTERFACE IMPORTED GLOBAL)
target_include_directories(pilum_json SYSTEM INTERFACE "${NLOHMANN_JSON_INCLUDE_DIR}")

find_path(ROARING_INCLUDE_DIR roaring/roaring.h REQUIRED)
find_library(ROARING_LIBRARY roaring REQUIRED)
add_library(pilum_roaring INTERFACE IMPORTED GLOBAL)
target_include_directories(pilum_roaring SYSTEM INTERFACE "${ROARING_INCLUDE_DIR}")
target_link_libraries(pilum_roaring INTERFACE "${ROARING_LIBRARY}")
