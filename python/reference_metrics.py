"""Development cross-check, needed neither to build nor to test: prints what metrics_test.cpp expects.

Needs numpy. Where scikit-image and TensorFlow are installed, their figures stand beside ours, which
share no code with them nor with the C++: the window is one 11x11 table applied by slicing.
"""
import numpy as np

WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)


def pattern(width, height, channels, seed):
    """8-bit samples by an integer formula; metrics_test.cpp has the same."""
    y, x, c = np.meshgrid(np.arange(height), np.arange(width), np.arange(channels), indexing="ij")
    return ((x * 7 + y * 13 + (x * y) % 31 * 4 + c * 50 + seed) % 256).astype(np.uint8)


def disturbed(picture, strength):
    """The picture with an integer disturbance of up to `strength`, cut to 0..255."""
    y, x, c = np.meshgrid(*(np.arange(n) for n in picture.shape), indexing="ij")
    noise = (x * 31 + y * 17 + x * y % 13 * 5 + c * 11) % (2 * strength + 1) - strength
    return np.clip(picture.astype(int) + noise, 0, 255).astype(np.uint8)


def inverted(picture):
    return 255 - picture


def window_table():
    distance = np.arange(11) - 5
    line = np.exp(-(distance**2) / (2 * 1.5**2))
    table = np.outer(line, line)
    return table / table.sum()


def window_mean(plane):
    table = window_table()
    rows, columns = plane.shape[0] - 10, plane.shape[1] - 10
    return sum(table[i, j] * plane[i:i + rows, j:j + columns] for i in range(11) for j in range(11))


def terms(a, b):
    """Mean SSIM and mean contrast-structure of one channel."""
    mean_a, mean_b = window_mean(a), window_mean(b)
    var_a, var_b = window_mean(a * a) - mean_a**2, window_mean(b * b) - mean_b**2
    covariance = window_mean(a * b) - mean_a * mean_b
    contrast = (2 * covariance + 9e-4) / (var_a + var_b + 9e-4)
    luminance = (2 * mean_a * mean_b + 1e-4) / (mean_a**2 + mean_b**2 + 1e-4)
    return (luminance * contrast).mean(), contrast.mean()


def ssim(a, b):
    return np.mean([terms(a[..., c], b[..., c])[0] for c in range(a.shape[2])])


def halved(plane):
    even = plane[:plane.shape[0] // 2 * 2, :plane.shape[1] // 2 * 2]
    return even.reshape(even.shape[0] // 2, 2, even.shape[1] // 2, 2).mean((1, 3))


def ms_ssim(a, b):
    scores = []
    for c in range(a.shape[2]):
        p, q, score = a[..., c], b[..., c], 1.0
        for scale, weight in enumerate(WEIGHTS):
            whole, contrast = terms(p, q)
            score *= max(whole if scale == 4 else contrast, 0.0)**weight
            p, q = halved(p), halved(q)
        scores.append(score)
    return np.mean(scores)


def ms_ssim_channels_first(a, b):
    """The mean over channels at each scale, then the product."""
    planes = [(a[..., c], b[..., c]) for c in range(a.shape[2])]
    score = 1.0
    for scale, weight in enumerate(WEIGHTS):
        means = np.mean([terms(p, q) for p, q in planes], axis=0)
        score *= max(means[0] if scale == 4 else means[1], 0.0)**weight
        planes = [(halved(p), halved(q)) for p, q in planes]
    return score


def ssim_volume(a, b):
    """MATLAB's ssim() of a volume: an 11x11x11 Gaussian, the picture repeated at its edges."""
    line = np.exp(-((np.arange(11) - 5)**2) / (2 * 1.5**2))
    line /= line.sum()

    def mean(volume):
        padded = np.pad(volume, 5, mode="edge")
        for axis in range(3):
            n = padded.shape[axis] - 10
            padded = sum(line[i] * np.take(padded, range(i, i + n), axis) for i in range(11))
        return padded

    mean_a, mean_b = mean(a), mean(b)
    var_a, var_b = mean(a * a) - mean_a**2, mean(b * b) - mean_b**2
    covariance = mean(a * b) - mean_a * mean_b
    return np.mean((2 * mean_a * mean_b + 1e-4) * (2 * covariance + 9e-4)
                   / ((mean_a**2 + mean_b**2 + 1e-4) * (var_a + var_b + 9e-4)))


def psnr(a, b):
    return -10 * np.log10(np.mean((a - b)**2))


def others(a, b):
    """The same by scikit-image and TensorFlow, as far as they are here and define the same."""
    found = {}
    try:
        from skimage.metrics import peak_signal_noise_ratio, structural_similarity
        found["skimage psnr"] = peak_signal_noise_ratio(a, b, data_range=1.0)
        found["skimage ssim"] = structural_similarity(
            a, b, channel_axis=2, gaussian_weights=True, sigma=1.5, use_sample_covariance=False,
            data_range=1.0)
    except ImportError:
        pass
    try:
        import tensorflow as tf
        from tensorflow.python.ops import image_ops_impl as inside
        # TensorFlow would go down to float32, which costs the fifth digit.
        inside.convert_image_dtype = lambda image, dtype: tf.cast(image, tf.float64)
        if not hasattr(inside, "narrow_gauss"):
            inside.narrow_gauss = inside._fspecial_gauss
            inside._fspecial_gauss = lambda *size: tf.cast(inside.narrow_gauss(*size), tf.float64)
        found["tf ssim"] = float(tf.image.ssim(tf.constant(a), tf.constant(b), 1.0))
        # At odd sizes TensorFlow pads where we drop.
        if a.shape[0] % 16 == 0 and a.shape[1] % 16 == 0:
            found["tf ms_ssim"] = float(tf.image.ssim_multiscale(tf.constant(a), tf.constant(b), 1.0))
    except ImportError:
        pass
    return found


def main():
    for width, height, channels, kind in [(192, 176, 3, 12), (203, 189, 3, 40), (181, 230, 1, 25),
                                          (37, 23, 3, 25), (11, 11, 1, 25), (192, 176, 3, "inverted")]:
        original = pattern(width, height, channels, 3)
        other = inverted(original) if kind == "inverted" else disturbed(original, kind)
        a, b = original / 255.0, other / 255.0
        multi = "-"
        if min(width, height) >= 176:
            multi = f"{ms_ssim(a, b):.9f} (channels first {ms_ssim_channels_first(a, b):.9f})"
        print(f"{width}x{height}x{channels} {kind}: psnr {psnr(a, b):.9f} ssim {ssim(a, b):.9f} "
              f"ssim_volume {ssim_volume(a, b):.9f} ms_ssim {multi} sums {original.sum()} {other.sum()}")
        for name, value in others(a, b).items():
            print(f"    {name} {value:.9f}")


if __name__ == "__main__":
    main()
