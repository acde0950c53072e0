#include "image/png_rows.hpp"

#include <zlib.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cassert>
#include <cstdlib>
#include <cstring>
#include <numeric>

#include "base/fail.hpp"
#include "base/integers.hpp"
#include "base/interrupt.hpp"
#include "base/threads.hpp"
#include "image/codec.hpp"

namespace hyperconv {
namespace {

constexpr int filters = 5;  // none, sub, up, average, Paeth

/// PNG 3, 9.4.
uint8_t paeth(uint8_t left, uint8_t above, uint8_t corner) {
  const int to_left = above - corner, to_above = left - corner;
  const int a = std::abs(to_left), b = std::abs(to_above), c = std::abs(to_left + to_above);
  if (a <= b && a <= c) return left;
  return b <= c ? above : corner;
}

/// Rows to filter, with room around them, so that no filter asks where it is.
class Filter {
 public:
  Filter(size_t row_bytes, size_t bytes_per_pixel)
      : bytes_(row_bytes), step_(bytes_per_pixel), row_(step_ + bytes_), above_(step_ + bytes_) {
    for (auto& candidate : candidates_) candidate.resize(bytes_);
  }

  /// Where the next row's bytes go.
  uint8_t* next_row() {
    std::swap(row_, above_);
    return row_.data() + step_;
  }

  /// Puts the filter's number and the filtered row there.
  void write(uint8_t* to) {
    const uint8_t* row = row_.data() + step_;
    const uint8_t* above = above_.data() + step_;
    const uint8_t* left = row_.data();
    const uint8_t* corner = above_.data();
    auto& [sub, up, average, by_paeth] = candidates_;
    for (size_t i = 0; i < bytes_; ++i) sub[i] = uint8_t(row[i] - left[i]);
    for (size_t i = 0; i < bytes_; ++i) up[i] = uint8_t(row[i] - above[i]);
    for (size_t i = 0; i < bytes_; ++i) average[i] = uint8_t(row[i] - (left[i] + above[i]) / 2);
    for (size_t i = 0; i < bytes_; ++i)
      by_paeth[i] = uint8_t(row[i] - paeth(left[i], above[i], corner[i]));
    // PNG 3, 12.7: the least sum of absolute differences, bytes taken as signed.
    const std::array<const uint8_t*, filters> all = {row, sub.data(), up.data(), average.data(),
                                                     by_paeth.data()};
    size_t best = 0;
    uint32_t least = ~uint32_t(0);  // of at most 2^23 bytes
    for (size_t filter = 0; filter < filters; ++filter) {
      uint32_t sum = 0;
      for (size_t i = 0; i < bytes_; ++i) {
        const uint8_t byte = all[filter][i];
        sum += byte < 128 ? byte : 256u - byte;
      }
      if (sum < least) least = sum, best = filter;
    }
    *to = uint8_t(best);
    std::memcpy(to + 1, all[best], bytes_);
  }

 private:
  size_t bytes_, step_;
  std::vector<uint8_t> row_, above_;
  std::array<std::vector<uint8_t>, filters - 1> candidates_;
};

/// The row's bytes in PNG's order.
void copy_row(const Image& image, int y, uint8_t* to) {
  const uint8_t* from = row_of(image, y);
  const size_t size = row_size(image);
  if (bits_of(image) == 8 || std::endian::native == std::endian::big) {
    std::memcpy(to, from, size);
    return;
  }
  for (size_t i = 0; i < size; i += 2) {
    to[i] = from[i + 1];
    to[i + 1] = from[i];
  }
}

struct Band {
  std::vector<uint8_t> deflated;
  uLong checksum = 0;  ///< Adler-32 of what was deflated
  z_off_t size = 0;    ///< and its length
};

/// zlib's state, given back at the end.
class Deflater {
 public:
  explicit Deflater(int level) {
    constexpr int raw = -15, memory = 8;
    if (deflateInit2(&stream_, level, Z_DEFLATED, raw, memory, Z_FILTERED) != Z_OK)
      fail("there is not the memory to compress");
  }
  ~Deflater() { deflateEnd(&stream_); }
  Deflater(const Deflater&) = delete;
  Deflater& operator=(const Deflater&) = delete;

  std::vector<uint8_t> deflate_all(std::vector<uint8_t>& bytes, int flush) {
    constexpr size_t marker = 16;
    std::vector<uint8_t> out(deflateBound(&stream_, uLong(bytes.size())) + marker);
    stream_.next_in = bytes.data();
    stream_.avail_in = uInt(bytes.size());
    stream_.next_out = out.data();
    stream_.avail_out = uInt(out.size());
    [[maybe_unused]] const int result = deflate(&stream_, flush);
    assert(result == (flush == Z_FINISH ? Z_STREAM_END : Z_OK) && stream_.avail_in == 0);
    out.resize(out.size() - stream_.avail_out);
    return out;
  }

 private:
  z_stream stream_{};
};

size_t bytes_per_pixel(const Image& image) {
  return size_t(image.channels) * size_t(bits_of(image)) / 8;
}

Band band_of(const Image& image, int first, int rows, int level, bool is_last) {
  const size_t size = row_size(image);
  Filter filter(size, bytes_per_pixel(image));
  if (first > 0) copy_row(image, first - 1, filter.next_row());
  std::vector<uint8_t> filtered((size + 1) * size_t(rows));
  for (int y = 0; y < rows; ++y) {
    copy_row(image, first + y, filter.next_row());
    filter.write(filtered.data() + (size + 1) * size_t(y));
  }
  Band band;
  band.size = z_off_t(filtered.size());
  band.checksum = adler32(adler32(0, nullptr, 0), filtered.data(), uInt(filtered.size()));
  band.deflated = Deflater(level).deflate_all(filtered, is_last ? Z_FINISH : Z_SYNC_FLUSH);
  return band;
}

}  // namespace

std::vector<uint8_t> filtered_row(const std::vector<uint8_t>& row,
                                  const std::vector<uint8_t>& above, size_t bytes_per_pixel) {
  Filter filter(row.size(), bytes_per_pixel);
  std::ranges::copy(above, filter.next_row());
  std::ranges::copy(row, filter.next_row());
  std::vector<uint8_t> filtered(row.size() + 1);
  filter.write(filtered.data());
  return filtered;
}

std::vector<std::vector<uint8_t>> deflated_rows(const Image& image, int level, int threads) {
  // Each band begins without the 32 KiB that zlib looks back.
  constexpr size_t band_bytes = size_t(1) << 20;
  const int rows = int(std::max<size_t>(1, band_bytes / (row_size(image) + 1)));
  const int count = int(ceil_div(image.height, rows));
  std::vector<Band> bands(static_cast<size_t>(count));
  Threads pool(std::min(count, threads > 0 ? threads : available_cores()));
  pool.parallel_for(count, [&](int64_t i) {
    throw_if_interrupted();
    const int first = int(i) * rows;
    bands[size_t(i)] =
        band_of(image, first, std::min(rows, image.height - first), level, i + 1 == count);
  });
  std::vector<std::vector<uint8_t>> chunks;
  uLong checksum = adler32(0, nullptr, 0);
  for (Band& band : bands) {
    checksum = adler32_combine(checksum, band.checksum, band.size);
    chunks.push_back(std::move(band.deflated));
  }
  // RFC 1950: 32 KiB, deflate, of a fast level; the checksum of all behind.
  chunks.front().insert(chunks.front().begin(), {0x78, 0x5e});
  for (int shift = 24; shift >= 0; shift -= 8) chunks.back().push_back(uint8_t(checksum >> shift));
  return chunks;
}

}  // namespace hyperconv
