/* Removes a photo's noise, and tells how far it has come: embed_c IN OUT. */
#include <hyperconv/hyperconv.h>
#include <stdio.h>

static int tell(double done, void* user) {
  (void)user;
  fprintf(stderr, "\r%3.0f %%", 100 * done);
  return 0; /* anything else would cancel */
}

int main(int argc, char** argv) {
  hyperconv_denoise* denoise = NULL;
  hyperconv_code code;
  if (argc != 3) {
    fprintf(stderr, "embed_c: usage: embed_c IN OUT\n");
    return 2;
  }
  code = hyperconv_denoise_create(NULL, NULL, &denoise);
  if (code == HYPERCONV_OK)
    code = hyperconv_denoise_file(denoise, argv[1], argv[2], 1, 1, tell, NULL);
  hyperconv_denoise_destroy(denoise);
  fprintf(stderr, "\nembed_c: %s\n", code == HYPERCONV_OK ? "done" : hyperconv_last_error_line());
  return code == HYPERCONV_OK ? 0 : 1;
}
