#include "variants/contract.hpp"

#include <gtest/gtest.h>

#include <array>
#include <vector>

namespace shadowwalk {
namespace {

struct Node {};
using Page = VariantPage<Node>;

std::vector<const Page*> pages_of(const PageBatch<Node>& batch) {
  std::vector<const Page*> pages;
  if (batch.empty()) return pages;
  for (const Page* page = &batch.front(); page != nullptr; page = page->next) pages.push_back(page);
  return pages;
}

TEST(PageBatch, KeepsTheOrderOfUnlinking) {
  std::array<Page, 4> page;
  PageBatch<Node> batch;
  batch.push_back(page[0]);
  batch.push_back(page[1]);
  PageBatch<Node> more;
  more.push_back(page[2]);
  more.push_back(page[3]);
  batch.splice(std::move(more));
  EXPECT_TRUE(more.empty());
  EXPECT_EQ(batch.size(), 4u);
  EXPECT_EQ(pages_of(batch), (std::vector<const Page*>{&page[0], &page[1], &page[2], &page[3]}));
  EXPECT_EQ(&batch.pop_front(), &page[0]);
  EXPECT_EQ(batch.size(), 3u);
}

TEST(PageBatch, MoveLeavesNothingBehind) {
  Page page;
  PageBatch<Node> batch;
  batch.push_back(page);
  PageBatch<Node> taken = std::move(batch);
  EXPECT_TRUE(batch.empty());
  EXPECT_EQ(taken.size(), 1u);
  taken.splice(PageBatch<Node>());
  EXPECT_EQ(taken.size(), 1u);
  taken.pop_front();
  EXPECT_TRUE(taken.empty());
  taken.push_back(page);
  EXPECT_EQ(pages_of(taken), (std::vector<const Page*>{&page})) << "usable again after it ran empty";
}

}  // namespace
}  // namespace shadowwalk
