/* The library's C API (C99): a camera's mosaic or a noisy photo in memory or in a file -> a clean
 * picture.
 *
 *   hyperconv_develop* develop = NULL;
 *   if (hyperconv_develop_create(NULL, NULL, &develop) != HYPERCONV_OK)
 *     puts(hyperconv_last_error_line());
 *
 * Every function that can fail returns a code, HYPERCONV_OK where it succeeded; the line of text
 * that belongs to it is hyperconv_last_error_line(). A call that failed or was cancelled has
 * written nothing, neither into memory nor into a file, and created nothing that must be destroyed.
 * No exception passes through, and no function writes to stdout or stderr or catches signals. Paths
 * are in the file system's encoding. A picture in memory belongs to the caller, is only used during
 * the call, and needs no alignment. Where the processor multiplies bf16, whether that is faster is
 * measured once and kept in the user's cache folder (Develop in hyperconv.hpp says where).
 *
 * The C++ API is hyperconv.hpp. */
#ifndef HYPERCONV_HYPERCONV_H
#define HYPERCONV_HYPERCONV_H

#include <stddef.h>
#include <stdint.h>

#define HYPERCONV_C_API __attribute__((visibility("default")))

/* Of these headers; hyperconv_version() says that of the library that is loaded. */
#define HYPERCONV_VERSION_MAJOR 0
#define HYPERCONV_VERSION_MINOR 1
#define HYPERCONV_VERSION_PATCH 0

#ifdef __cplusplus
extern "C" {
#endif

typedef enum hyperconv_code {
  HYPERCONV_OK = 0,
  HYPERCONV_BAD_ARGUMENT = 1,  /* what the caller gave: null, sizes, ranges, a wrong model */
  HYPERCONV_BAD_FILE = 2,      /* a file is damaged, or of another kind than is wanted */
  HYPERCONV_UNSUPPORTED = 3,   /* sound, but nothing that can be worked on */
  HYPERCONV_OUT_OF_MEMORY = 4, /* not to be had, or more than was allowed */
  HYPERCONV_CANCELLED = 5,     /* by a progress function */
  HYPERCONV_IO = 6,            /* a file is not there, or cannot be read or written */
  HYPERCONV_INTERNAL = 7       /* a bug of ours */
} hyperconv_code;

/* Of this thread's last call that failed; HYPERCONV_OK and "" before the first. The line is valid
 * until the next call of this thread that fails; it has no full stop and no line break. */
HYPERCONV_C_API hyperconv_code hyperconv_last_error(void);
HYPERCONV_C_API const char* hyperconv_last_error_line(void);

/* Like "0.1.0"; never NULL. */
HYPERCONV_C_API const char* hyperconv_version(void);

/* The file of the model that is shipped for a task, "develop" or "denoise": in the folder that
 * $HYPERCONV_MODELS names, else where it is installed, or in the build that the library lies in.
 * Into `path`, which has room for `size` bytes, ended by a zero. Fails: BAD_ARGUMENT (another task,
 * too little room), IO (it is not there). */
HYPERCONV_C_API hyperconv_code hyperconv_shipped_model(const char* task, char* path, size_t size);

/* Type of a sample in memory, in the machine's byte order. U8 and U16 use their whole range; in a
 * picture F32 has 0 = black and 1 = white. */
typedef enum hyperconv_sample_type {
  HYPERCONV_U8 = 0,
  HYPERCONV_U16 = 1,
  HYPERCONV_F32 = 2
} hyperconv_sample_type;

/* A picture that is read: rows from the top, samples of a pixel beside one another. */
typedef struct hyperconv_image {
  const void* data;
  int width, height; /* pixels; at most 2^29 of them, sides up to 2^20 */
  int channels;      /* 1 grey, 2 grey and alpha, 3 RGB, 4 RGBA */
  ptrdiff_t stride;  /* bytes from one row's start to the next one's; 0: without gaps */
  int type;          /* a hyperconv_sample_type */
} hyperconv_image;

/* A picture that is written. Between the rows' ends and the stride nothing is written. */
typedef struct hyperconv_buffer {
  void* data;
  int width, height;
  int channels;
  ptrdiff_t stride;
  int type; /* a hyperconv_sample_type */
} hyperconv_buffer;

/* Colours of the samples (0,0) (0,1) / (1,0) (1,1) of the active area; or Fujifilm's pattern of
 * 6x6, which begins at GGRGGB GGBGGR BRGRBG GGBGGR GGRGGB RBGBRG, row by row. */
typedef enum hyperconv_cfa {
  HYPERCONV_RGGB = 0,
  HYPERCONV_BGGR = 1,
  HYPERCONV_GRBG = 2,
  HYPERCONV_GBRG = 3,
  HYPERCONV_X_TRANS = 4
} hyperconv_cfa;

/* What a sensor behind a colour filter array saw: one sample a pixel, in the sensor's units. */
typedef struct hyperconv_mosaic {
  const void* data;
  int width, height; /* of the active area; at least 2x2 (X-Trans 6x6), at most 2^29 samples */
  ptrdiff_t stride;  /* bytes from one row's start to the next one's; 0: without gaps */
  int type;          /* a hyperconv_sample_type */
  int cfa;           /* a hyperconv_cfa */
  /* Of X-Trans, whose black levels are all the same: where the first sample stands in the pattern,
   * 0 to 5. */
  int x_trans_row, x_trans_column;
  double black[4];         /* level of no light at (0,0) (0,1) (1,0) (1,1); 0 or more */
  double white;            /* level at which a sample is saturated; above every black */
  double white_balance[3]; /* multipliers that make a grey grey, R G B; above 0 */
  /* XYZ (D65) to camera RGB before white balance, row by row, as in DNG's ColorMatrix. Not
   * has_matrix: the camera's colours are taken for linear sRGB. */
  int has_matrix;
  double xyz_to_camera[9];
  /* Variance of a sample with mean x: noise_shot * x + noise_read, x in [0,1] from black to white.
   * Not has_noise: it is estimated from the samples where the model is told it. */
  int has_noise;
  double noise_shot, noise_read;
} hyperconv_mosaic;

/* U16, RGGB, black 0, white 65535, white balance 1, neither matrix nor noise; data NULL, size 0. */
HYPERCONV_C_API hyperconv_mosaic hyperconv_mosaic_defaults(void);

typedef struct hyperconv_options {
  int threads; /* 0: all the cores that this process may use */
  /* Bytes that a picture's floats and the network's values may take: a mosaic or photo that needs
   * more is processed in parts, and refused where even small parts need more. The caller's own
   * buffers do not count. 0: three quarters of what is free. */
  int64_t memory;
  /* Not 0: hyperconv_develop_file takes files whose noise was removed before, too, and removes it
   * once more. */
  int again;
} hyperconv_options;

/* Which light is grey in a picture. */
typedef enum hyperconv_balance {
  HYPERCONV_AS_SHOT = 0,   /* the camera's choice */
  HYPERCONV_AUTOMATIC = 1, /* found in the photo, by its edges */
  HYPERCONV_LIGHT = 2,     /* of a colour temperature and tint, by the camera's matrix */
  HYPERCONV_GREY_PLACE = 3 /* 16x16 samples around a place */
} hyperconv_balance;

/* By LibRaw's names; the latter two show what a clipped colour's neighbours tell, and darken the
 * picture. */
typedef enum hyperconv_highlights {
  HYPERCONV_CLIP = 0,
  HYPERCONV_BLEND = 1,
  HYPERCONV_REBUILD = 2
} hyperconv_highlights;

typedef enum hyperconv_colour_space {
  HYPERCONV_SRGB = 0,
  HYPERCONV_DISPLAY_P3 = 1,
  HYPERCONV_ADOBE_RGB = 2,
  HYPERCONV_PROPHOTO = 3,
  HYPERCONV_REC2020 = 4
} hyperconv_colour_space;

/* Which picture is made of a camera's mosaic or file. Begin with
 * hyperconv_picture_options_defaults, by which it is what is made where nothing is said.
 * docs/rendering.md has more of each. */
typedef struct hyperconv_picture_options {
  /* Share of the noise that is removed, 0 to 1; the rest is the photo's own grain. Less than all
   * (1, 1) takes twice the time. */
  double luma, colour;
  int balance;         /* a hyperconv_balance; HYPERCONV_AS_SHOT */
  double kelvin, tint; /* of HYPERCONV_LIGHT: 2000 to 15000 (5500), -150 to 150 (0) */
  int grey_x, grey_y;  /* of HYPERCONV_GREY_PLACE, in pixels of the upright picture */
  double exposure;     /* stops by which it is brighter, -10 to 10 (0) */
  int highlights;      /* a hyperconv_highlights; HYPERCONV_CLIP */
  int colour_space;    /* a hyperconv_colour_space; HYPERCONV_SRGB */
  /* NULL or "none"; "auto": corrected by the DNG's own opcodes, else as Lensfun knows the lens, and
   * not where neither does; or the name of a lens of Lensfun's. Of a hyperconv_mosaic NULL. */
  const char* lens;
  /* Not has_part: all. Else only this part, in pixels of the photo as it is stored, sample for
   * sample what the whole picture would show there. Without camera_crop and size. */
  int has_part;
  int64_t part_left, part_top, part_width, part_height;
  int camera_crop; /* not 0: what the camera's own pictures show, where the file says it */
  int rotate;      /* degrees clockwise from how it is stored, 0, 90, 180 or 270; -1: as it says */
  /* At most one of the three may be other than 0, in linear light: the longer side at most so long;
   * a size to fit into (both); so many times the size, 0.001 to 4. Sides of 1 to 65535 pixels. */
  int longest_side;
  int fit_width, fit_height;
  double scale;
} hyperconv_picture_options;

HYPERCONV_C_API hyperconv_picture_options hyperconv_picture_options_defaults(void);

/* The same of a file, and how it is written. */
typedef struct hyperconv_file_options {
  hyperconv_picture_options picture;
  int quality; /* of JPEG, JPEG XL, AVIF and HEIF, 1 to 100 (95) */
  /* Bits a sample: 8, 16 (PNG, TIFF, JPEG XL), 10 or 12 (AVIF, HEIF), or 32, which are floats in
   * linear light (TIFF); 0: 16, or 10, where the format has them. */
  int depth;
  int strip_metadata; /* not 0: without EXIF, XMP, IPTC and texts */
} hyperconv_file_options;

HYPERCONV_C_API hyperconv_file_options hyperconv_file_options_defaults(void);

/* Is told the progress of a call, from 0 to 1, never less than before. It returns 0 to go on;
 * anything else cancels: within 100 ms, unless a file is being decoded or the filters of a very
 * large network predicted. It is called on the thread that made the call, some fifty times a
 * second, at least at the start, and with 1 at the end, when its answer changes nothing any more.
 */
typedef int (*hyperconv_progress)(double done, void* user);

/* ---- A camera's RAW file in memory. Immutable: any number of threads may use one. */
typedef struct hyperconv_raw hyperconv_raw;

/* A camera's RAW file, or a mosaic as a one-channel PNG. Fails: BAD_ARGUMENT (NULL), IO, BAD_FILE,
 * UNSUPPORTED (a sensor that is neither Bayer nor X-Trans; hyperconv_develop_file takes frames of
 * three colours and monochrome ones too), OUT_OF_MEMORY. */
HYPERCONV_C_API hyperconv_code hyperconv_raw_read(const char* path, hyperconv_raw** raw);
/* NULL is allowed. */
HYPERCONV_C_API void hyperconv_raw_destroy(hyperconv_raw* raw);
/* Samples (U16) and what the file says of them; `data` lives as long as `raw`. Fails: BAD_ARGUMENT.
 */
HYPERCONV_C_API hyperconv_code hyperconv_raw_mosaic(const hyperconv_raw* raw,
                                                    hyperconv_mosaic* mosaic);
/* EXIF orientation 1..8 of the samples as stored; 0 where `raw` is NULL. */
HYPERCONV_C_API int hyperconv_raw_orientation(const hyperconv_raw* raw);

/* ---- Develops mosaics. Any thread may use one, for one call at a time: a second call waits for
 * the first one, and can be cancelled while it does. It must not be destroyed during a call. */
typedef struct hyperconv_develop hyperconv_develop;

/* `model`: a file, or NULL for the one that is shipped; `options`: NULL for all zeros. Fails:
 * BAD_ARGUMENT (a model for another task, too), IO, BAD_FILE, OUT_OF_MEMORY. */
HYPERCONV_C_API hyperconv_code hyperconv_develop_create(const char* model,
                                                        const hyperconv_options* options,
                                                        hyperconv_develop** develop);
/* NULL is allowed. */
HYPERCONV_C_API void hyperconv_develop_destroy(hyperconv_develop* develop);

/* An sRGB picture of the mosaic's size and 3 channels, in any sample type, not turned. `progress`
 * may be NULL. Fails: BAD_ARGUMENT (NULL, a size or stride that does not fit, a sample, level or
 * matrix that is not finite or of no use), OUT_OF_MEMORY, CANCELLED. */
HYPERCONV_C_API hyperconv_code hyperconv_develop_picture(hyperconv_develop* develop,
                                                         const hyperconv_mosaic* mosaic,
                                                         const hyperconv_buffer* out,
                                                         hyperconv_progress progress, void* user);
/* Width and height of the picture that these options make of a mosaic or a file in memory. Fails:
 * BAD_ARGUMENT. */
HYPERCONV_C_API hyperconv_code hyperconv_picture_size(const hyperconv_mosaic* mosaic,
                                                      const hyperconv_picture_options* options,
                                                      int* width, int* height);
HYPERCONV_C_API hyperconv_code hyperconv_raw_picture_size(const hyperconv_raw* raw,
                                                          const hyperconv_picture_options* options,
                                                          int* width, int* height);
/* The picture that one wants, of 3 channels and that size; of a hyperconv_raw turned upright, and
 * refused (BAD_ARGUMENT) where its noise was removed before: hyperconv_options.again. Fails as
 * above, also where an option is out of its range or has no meaning for this photo (BAD_ARGUMENT),
 * or lenses cannot be corrected in this build (UNSUPPORTED). */
HYPERCONV_C_API hyperconv_code hyperconv_develop_wanted(hyperconv_develop* develop,
                                                        const hyperconv_mosaic* mosaic,
                                                        const hyperconv_picture_options* options,
                                                        const hyperconv_buffer* out,
                                                        hyperconv_progress progress, void* user);
HYPERCONV_C_API hyperconv_code hyperconv_develop_raw(hyperconv_develop* develop,
                                                     const hyperconv_raw* raw,
                                                     const hyperconv_picture_options* options,
                                                     const hyperconv_buffer* out,
                                                     hyperconv_progress progress, void* user);
/* The camera's RGB instead: linear, white-balanced, 1 = the level at which the least amplified
 * channel saturates; noise that is left may be below 0. `out` is F32. Fails likewise. */
HYPERCONV_C_API hyperconv_code hyperconv_develop_camera_rgb(hyperconv_develop* develop,
                                                            const hyperconv_mosaic* mosaic,
                                                            const hyperconv_buffer* out,
                                                            hyperconv_progress progress,
                                                            void* user);
/* From file to file, turned upright, with the shot's EXIF; X-Trans, linear DNG, sRAW and monochrome
 * files by the model that ships for them, unless one was named. `out` ends in .jpg, .png, .tif,
 * .jxl, .avif, .heic or .dng and appears whole or not at all. Fails: any code. */
HYPERCONV_C_API hyperconv_code hyperconv_develop_file(hyperconv_develop* develop, const char* in,
                                                      const char* out, hyperconv_progress progress,
                                                      void* user);

/* The file that one wants. Of a .dng, which a raw converter renders, only luma, colour, balance,
 * rotate and strip_metadata can be other than the defaults, of a monochrome photo not balance,
 * highlights and colour_space. Fails: any code. */
HYPERCONV_C_API hyperconv_code hyperconv_develop_file_wanted(hyperconv_develop* develop,
                                                             const char* in, const char* out,
                                                             const hyperconv_file_options* options,
                                                             hyperconv_progress progress,
                                                             void* user);

/* ---- Removes the noise of photos. Threads: as hyperconv_develop. */
typedef struct hyperconv_denoise hyperconv_denoise;

/* As hyperconv_develop_create. */
HYPERCONV_C_API hyperconv_code hyperconv_denoise_create(const char* model,
                                                        const hyperconv_options* options,
                                                        hyperconv_denoise** denoise);
/* NULL is allowed. */
HYPERCONV_C_API void hyperconv_denoise_destroy(hyperconv_denoise* denoise);

/* The photo without its noise, into a buffer of the same size and channels; the sample types may
 * differ, and both may be the same memory. `luma` and `colour`: the share of either that is
 * removed, 0 to 1. Samples are taken as sRGB-encoded; alpha is handed on. Fails: BAD_ARGUMENT
 * (NULL, a size or stride that does not fit, a strength outside [0,1], a sample that is not
 * finite), OUT_OF_MEMORY, CANCELLED. */
HYPERCONV_C_API hyperconv_code hyperconv_denoise_picture(hyperconv_denoise* denoise,
                                                         const hyperconv_image* photo,
                                                         const hyperconv_buffer* out, double luma,
                                                         double colour, hyperconv_progress progress,
                                                         void* user);
/* From file to file: JPEG, PNG, TIFF, JPEG XL, AVIF or HEIF, with their metadata. Fails: any code.
 */
HYPERCONV_C_API hyperconv_code hyperconv_denoise_file(hyperconv_denoise* denoise, const char* in,
                                                      const char* out, double luma, double colour,
                                                      hyperconv_progress progress, void* user);

#ifdef __cplusplus
}
#endif

#endif
