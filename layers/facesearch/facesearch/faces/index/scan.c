/* The inner loop of `vectors.scan`: rows of int8 vectors whose dot product with a probe, divided by their length,
   reaches `least`. Plain C: compilers turn the loop into the CPU's 8-bit instructions. `tools/native.py` compiles it. */
#include <stddef.h>
#include <stdint.h>

#if defined(__x86_64__) && defined(__linux__) && defined(__GNUC__)
#define FOR_EACH_CPU __attribute__((target_clones("default", "avx2")))
#else
#define FOR_EACH_CPU
#endif

/* What compilers make dot products of: 8 bits by 8 bits on arm64, 16 by 16 on x86. */
#if defined(__ARM_FEATURE_DOTPROD)
typedef int8_t operand;
#else
typedef int16_t operand;
#endif

enum { DIMENSIONS = 128 };

/* Counts them and puts their numbers into `found`, which has room for all. */
FOR_EACH_CPU
size_t facesearch_scan(const int8_t *values, const float *inverse_norms, const int8_t *probe, double least, size_t rows,
                       int64_t *found) {
    operand wanted[DIMENSIONS];
    for (int d = 0; d < DIMENSIONS; d++) wanted[d] = probe[d];
    size_t count = 0;
    for (size_t row = 0; row < rows; row++) {
        const int8_t *vector = values + row * DIMENSIONS;
        int32_t dot = 0;
        for (int d = 0; d < DIMENSIONS; d++) dot += (operand)vector[d] * wanted[d];
        if (dot * (double)inverse_norms[row] >= least) found[count++] = (int64_t)row;
    }
    return count;
}
