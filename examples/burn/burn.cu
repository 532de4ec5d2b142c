// Burn does pieces of fixed work on a CUDA GPU, to see what its energy counter makes of
// them. A piece is one kernel, whose number of operations does not depend on the clock.
//
//	nvcc -O3 -arch=native -o burn burn.cu
//
//	burn serve                  reads lines "KIND N" or "KIND N IDLE_US REPEAT" from the standard
//	                            input, does N pieces each time, and answers with two numbers: when
//	                            the first began and the last ended, in nanoseconds since 1970
//	burn for SECONDS [KIND]     works without a pause, two pieces at a time
//
// Kinds are mma (bf16 matrix products in registers), fma (float32) and mem (copies).
#include <cuda_bf16.h>
#include <mma.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <string>
#include <unistd.h>

#define CHECK(call)                                                                                  \
	do {                                                                                             \
		cudaError_t code = (call);                                                                   \
		if (code != cudaSuccess) {                                                                   \
			fprintf(stderr, "burn: %s: %s\n", #call, cudaGetErrorString(code));                       \
			exit(1);                                                                                 \
		}                                                                                            \
	} while (0)

__global__ void mma(float *out, int rounds) {
	using namespace nvcuda::wmma;
	fragment<matrix_a, 16, 16, 16, __nv_bfloat16, row_major> a;
	fragment<matrix_b, 16, 16, 16, __nv_bfloat16, col_major> b;
	fragment<accumulator, 16, 16, 16, float> c[4];
	unsigned seed = threadIdx.x * 2654435761u + blockIdx.x * 40503u;
	for (int i = 0; i < a.num_elements; i++) {
		seed = seed * 1664525u + 1013904223u;
		a.x[i] = __float2bfloat16((float)(seed >> 16) / 65536.f - .5f);
		seed = seed * 1664525u + 1013904223u;
		b.x[i] = __float2bfloat16((float)(seed >> 16) / 65536.f - .5f);
	}
	for (int k = 0; k < 4; k++) fill_fragment(c[k], 0.f);
	for (int r = 0; r < rounds; r++)
		for (int k = 0; k < 4; k++) mma_sync(c[k], a, b, c[k]);
	float sum = 0;
	for (int k = 0; k < 4; k++)
		for (int i = 0; i < c[k].num_elements; i++) sum += c[k].x[i];
	if (sum == 12345.678f) out[blockIdx.x] = sum; // never, but the compiler cannot know
}

__global__ void fma(float *out, int rounds) {
	float x[8];
	for (int k = 0; k < 8; k++) x[k] = threadIdx.x * .001f + k;
	for (int r = 0; r < rounds; r++)
		for (int k = 0; k < 8; k++) x[k] = x[k] * .999f + .5f;
	float sum = 0;
	for (int k = 0; k < 8; k++) sum += x[k];
	if (sum == 12345.678f) out[blockIdx.x] = sum;
}

__global__ void mem(float4 *to, const float4 *from, size_t n) {
	for (size_t i = blockIdx.x * (size_t)blockDim.x + threadIdx.x; i < n; i += (size_t)gridDim.x * blockDim.x) to[i] = from[i];
}

static float *out;
static float4 *from, *to;
static const size_t bytes = size_t(1) << 30;
static int blocks;

static void launch(const char *kind) {
	if (!strcmp(kind, "mma")) mma<<<blocks * 4, 256>>>(out, 6000);
	else if (!strcmp(kind, "fma")) fma<<<blocks * 8, 256>>>(out, 16000);
	else mem<<<blocks * 8, 256>>>(to, from, bytes / sizeof(float4));
	CHECK(cudaGetLastError());
}

static long long now() {
	timespec t;
	clock_gettime(CLOCK_REALTIME, &t);
	return t.tv_sec * 1000000000LL + t.tv_nsec;
}

static void serve() {
	char line[256], kind[32];
	while (fgets(line, sizeof line, stdin)) {
		int n = 0, idle = 0, repeat = 1;
		if (sscanf(line, "%31s %d %d %d", kind, &n, &idle, &repeat) < 2) continue;
		long long begin = now();
		for (int r = 0; r < repeat; r++) {
			for (int i = 0; i < n; i++) launch(kind);
			CHECK(cudaDeviceSynchronize());
			if (r + 1 < repeat && idle > 0) usleep(idle);
		}
		printf("%lld %lld\n", begin, now());
		fflush(stdout);
	}
}

int main(int argc, char **argv) {
	const char *usage = "usage: burn serve | burn for SECONDS [KIND]\n";
	if (argc < 2) return fputs(usage, stderr), 2;
	CHECK(cudaSetDeviceFlags(cudaDeviceScheduleSpin));
	cudaDeviceProp properties;
	CHECK(cudaGetDeviceProperties(&properties, 0));
	blocks = properties.multiProcessorCount;
	CHECK(cudaMalloc(&out, blocks * 8 * sizeof(float)));
	CHECK(cudaMalloc(&from, bytes));
	CHECK(cudaMalloc(&to, bytes));
	CHECK(cudaMemset(from, 1, bytes));
	if (!strcmp(argv[1], "serve")) return serve(), 0;
	if (strcmp(argv[1], "for") || argc < 3) return fputs(usage, stderr), 2;
	const char *kind = argc > 3 ? argv[3] : "mma";
	for (long long end = now() + (long long)(atof(argv[2]) * 1e9); now() < end;) {
		launch(kind);
		launch(kind);
		CHECK(cudaDeviceSynchronize());
	}
}
