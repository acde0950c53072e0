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
 * the call, and needs no alignment.
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

/* Colours of the samples (0,0) (0,1) / (1,0) (1,1) of the active area. */
typedef enum hyperconv_cfa {
  HYPERCONV_RGGB = 0,
  HYPERCONV_BGGR = 1,
  HYPERCONV_GRBG = 2,
  HYPERCONV_GBRG = 3
} hyperconv_cfa;

/* What a sensor with a Bayer pattern saw: one sample a pixel, in the sensor's units. */
typedef struct hyperconv_mosaic {
  const void* data;
  int width, height;       /* of the active area; at least 2x2, at most 2^29 samples */
  ptrdiff_t stride;        /* bytes from one row's start to the next one's; 0: without gaps */
  int type;                /* a hyperconv_sample_type */
  int cfa;                 /* a hyperconv_cfa */
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

/* Is told the progress of a call, from 0 to 1, never less than before. It returns 0 to go on;
 * anything else cancels: within 100 ms, unless a file is being decoded or the filters of a very
 * large network predicted. It is called on the thread that made the call, some fifty times a
 * second, at least at the start, and with 1 at the end, when its answer changes nothing any more.
 */
typedef int (*hyperconv_progress)(double done, void* user);

/* ---- A camera's RAW file in memory. Immutable: any number of threads may use one. */
typedef struct hyperconv_raw hyperconv_raw;

/* A camera's RAW file, or a mosaic as a one-channel PNG. Fails: BAD_ARGUMENT (NULL), IO, BAD_FILE,
 * UNSUPPORTED (a sensor that is not Bayer; hyperconv_develop_file takes X-Trans too),
 * OUT_OF_MEMORY. */
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
