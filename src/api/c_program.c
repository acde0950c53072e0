/* The C API as a C99 program uses it: c_program MODELS. Exits 1 where it does not do what
 * hyperconv.h says. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hyperconv/hyperconv.h"

enum { WIDTH = 96, HEIGHT = 64 };

static int failures = 0;

static void expect(int holds, const char* what) {
  if (holds) return;
  ++failures;
  fprintf(stderr, "c_program: %s (last error: %s)\n", what, hyperconv_last_error_line());
}

/* Told: how often it was called; cancels at once where that is asked for. */
struct watcher {
  int calls, cancels;
  double last;
};

static int watch(double done, void* user) {
  struct watcher* watcher = user;
  ++watcher->calls;
  expect(done >= watcher->last && done <= 1, "progress falls");
  watcher->last = done;
  return watcher->cancels;
}

static void develops(const char* model) {
  static uint16_t samples[WIDTH * HEIGHT], picture[WIDTH * HEIGHT * 3];
  hyperconv_develop* develop = NULL;
  hyperconv_mosaic mosaic = hyperconv_mosaic_defaults();
  hyperconv_buffer out = {picture, WIDTH, HEIGHT, 3, 0, HYPERCONV_U16};
  struct watcher watcher = {0, 0, 0};
  int i;
  for (i = 0; i < WIDTH * HEIGHT; ++i) samples[i] = (uint16_t)(64 + (i % WIDTH) * 8);
  mosaic.data = samples;
  mosaic.width = WIDTH;
  mosaic.height = HEIGHT;
  mosaic.white = 1023;
  for (i = 0; i < 4; ++i) mosaic.black[i] = 64;

  expect(hyperconv_develop_create(model, NULL, &develop) == HYPERCONV_OK, "no develop is made");
  expect(hyperconv_develop_picture(develop, &mosaic, &out, watch, &watcher) == HYPERCONV_OK,
         "a mosaic is not developed");
  expect(watcher.calls >= 2 && watcher.last == 1, "progress is not told");
  /* It becomes brighter from left to right. */
  expect(picture[(32 * WIDTH + 80) * 3 + 1] > picture[(32 * WIDTH + 10) * 3 + 1],
         "the picture is not the mosaic's");

  {
    hyperconv_picture_options options = hyperconv_picture_options_defaults();
    int width = 0, height = 0;
    const uint16_t before = picture[(32 * WIDTH + 80) * 3 + 1];
    options.exposure = -1;
    options.luma = 0.5;
    options.longest_side = WIDTH / 2;
    expect(hyperconv_picture_size(&mosaic, &options, &width, &height) == HYPERCONV_OK &&
               width == WIDTH / 2 && height == HEIGHT / 2,
           "a picture has another size");
    out.width = width;
    out.height = height;
    expect(hyperconv_develop_wanted(develop, &mosaic, &options, &out, NULL, NULL) == HYPERCONV_OK &&
               picture[(16 * width + 40) * 3 + 1] < before,
           "the picture that is wanted is not made");
    out.width = WIDTH;
    out.height = HEIGHT;
  }

  watcher.cancels = 1;
  watcher.last = 0;
  memset(picture, 0, sizeof picture);
  expect(hyperconv_develop_picture(develop, &mosaic, &out, watch, &watcher) == HYPERCONV_CANCELLED,
         "a call is not cancelled");
  expect(picture[0] == 0 && picture[WIDTH * HEIGHT * 3 - 1] == 0, "a cancelled call writes");
  mosaic.stride = 1;
  expect(hyperconv_develop_picture(develop, &mosaic, &out, NULL, NULL) == HYPERCONV_BAD_ARGUMENT,
         "a stride that is too small is taken");
  hyperconv_develop_destroy(develop);
}

static void denoises(const char* model) {
  static unsigned char photo[WIDTH * HEIGHT * 3], clean[WIDTH * HEIGHT * 3];
  hyperconv_denoise* denoise = NULL;
  hyperconv_image in = {photo, WIDTH, HEIGHT, 3, 0, HYPERCONV_U8};
  hyperconv_buffer out = {clean, WIDTH, HEIGHT, 3, 0, HYPERCONV_U8};
  int i;
  for (i = 0; i < WIDTH * HEIGHT * 3; ++i) photo[i] = (unsigned char)(100 + rand() % 60);
  expect(hyperconv_denoise_create(model, NULL, &denoise) == HYPERCONV_OK, "no denoise is made");
  expect(hyperconv_denoise_picture(denoise, &in, &out, 1, 1, NULL, NULL) == HYPERCONV_OK,
         "a photo is not denoised");
  expect(memcmp(photo, clean, sizeof photo) != 0, "a photo stays as it is");
  expect(hyperconv_denoise_picture(denoise, &in, &out, 0, 0, NULL, NULL) == HYPERCONV_OK &&
             memcmp(photo, clean, sizeof photo) == 0,
         "strength 0 changes the photo");
  hyperconv_denoise_destroy(denoise);
}

int main(int argc, char** argv) {
  char develop[4096], denoise[4096];
  if (argc != 2) {
    fprintf(stderr, "c_program: usage: c_program MODELS\n");
    return 2;
  }
  snprintf(develop, sizeof develop, "%s/develop.safetensors", argv[1]);
  snprintf(denoise, sizeof denoise, "%s/denoise.safetensors", argv[1]);
  develops(develop);
  denoises(denoise);
  return failures == 0 ? 0 : 1;
}
