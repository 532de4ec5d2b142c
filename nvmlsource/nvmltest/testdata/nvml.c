// A libnvidia-ml.so.1 with GPUs that are made up; nvmltest.go says how to use
// it. The types and numbers are those of NVIDIA's nvml.h.
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

typedef int ret_t;
enum { SUCCESS = 0, UNINITIALIZED = 1, INVALID_ARGUMENT = 2, NOT_SUPPORTED = 3, NOT_FOUND = 6, INSUFFICIENT_SIZE = 7, ARGUMENT_VERSION_MISMATCH = 25 };
enum { UNSIGNED_INT = 1, UNSIGNED_LONG_LONG = 3 };
enum { MAX_GPUS = 16, MAX_INSTANCES = 7 };

typedef union { double d; unsigned int ui; unsigned long long ull; } value_t;
typedef struct { unsigned int fieldId, scopeId; long long timestamp, latencyUsec; int valueType; ret_t ret; value_t value; } field_t;
typedef struct { unsigned long long us; value_t value; } sample_t;
typedef struct { char legacy[16]; unsigned int domain, bus, device, id, subsystem; char busId[32]; } pci_t;
typedef struct { unsigned int version; int sensor, celsius; } temperature_t;
typedef struct { unsigned int pid; unsigned long long memory; } process1_t;
typedef struct { unsigned int pid; unsigned long long memory; unsigned int gi, ci; } process_t;
typedef struct gpu { int index, instance; unsigned long long zero; } gpu_t; // instance -1: the GPU itself

static gpu_t gpus[MAX_GPUS], instances[MAX_GPUS][MAX_INSTANCES];
static int initialised;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

// ---- settings

static const char *setting(const char *name, const char *otherwise) {
	const char *s = getenv(name);
	return s && *s ? s : otherwise;
}

// item copies element i of a list with commas, and the last one beyond its end.
static const char *item(const char *list, int i, char *buf, size_t size) {
	const char *comma;
	while (i-- > 0 && (comma = strchr(list, ','))) list = comma + 1;
	snprintf(buf, size, "%.*s", (int)strcspn(list, ","), list);
	return buf;
}

static double number(const char *name, int i, const char *otherwise) {
	char buf[64];
	return atof(item(setting(name, otherwise), i, buf, sizeof buf));
}

static int gpuCount(void) {
	int n = (int)number("FAKE_NVML_GPUS", 0, "1");
	return n > MAX_GPUS ? MAX_GPUS : n;
}

// migCount is the number of instances, and -1 with MIG mode off.
static int migCount(int gpu) {
	char buf[64];
	const char *s = item(setting("FAKE_NVML_MIG", "-"), gpu, buf, sizeof buf);
	int n = *s == '-' ? -1 : atoi(s);
	return n > MAX_INSTANCES ? MAX_INSTANCES : n;
}

static unsigned long long nanoseconds(clockid_t clock) {
	struct timespec t;
	clock_gettime(clock, &t);
	return t.tv_sec * 1000000000ULL + t.tv_nsec;
}

// ---- faults

// findIn looks for KEY=VALUE or KEY@GPU=VALUE and copies the value.
static int findIn(const char *text, const char *key, int gpu, char *value, size_t size) {
	char exact[96], any[96];
	snprintf(exact, sizeof exact, "%s@%d=", key, gpu);
	snprintf(any, sizeof any, "%s=", key);
	while (*(text += strspn(text, " \t\r\n"))) {
		size_t n = strcspn(text, " \t\r\n");
		const char *prefix = gpu >= 0 && !strncmp(text, exact, strlen(exact)) ? exact : any;
		if (!strncmp(text, prefix, strlen(prefix))) {
			snprintf(value, size, "%.*s", (int)(n - strlen(prefix)), text + strlen(prefix));
			return 1;
		}
		text += n;
	}
	return 0;
}

static int find(const char *key, int gpu, char *value, size_t size) {
	const char *path = getenv("FAKE_NVML_CONTROL");
	int fd = path ? open(path, O_RDONLY) : -1;
	if (fd >= 0) {
		char text[4096];
		ssize_t n = read(fd, text, sizeof text - 1);
		close(fd);
		text[n > 0 ? n : 0] = 0;
		if (findIn(text, key, gpu, value, size)) return 1;
	}
	return findIn(setting("FAKE_NVML_FAULTS", ""), key, gpu, value, size);
}

// fault returns the error to return, after hanging or sleeping if that is the
// fault. gpu is -1 for functions that take none.
static ret_t fault(const char *key, int gpu) {
	char value[64];
	for (;;) {
		if (!find(key, gpu, value, sizeof value) && (gpu < 0 || !find("*", gpu, value, sizeof value))) return SUCCESS;
		if (strcmp(value, "hang")) break;
		usleep(5000);
	}
	if (!strncmp(value, "sleep:", 6)) usleep(1000 * atoi(value + 6));
	return atoi(value); // 0 if it is no number
}

// valued returns the value to tell in place of the true one.
static unsigned long long valued(const char *key, int gpu, unsigned long long truth) {
	char value[64];
	if (find(key, gpu, value, sizeof value) && !strncmp(value, "value:", 6)) return strtoull(value + 6, NULL, 10);
	return truth;
}

// BEGIN is the start of a function that takes a device g.
#define BEGIN(key) \
	if (!initialised) return UNINITIALIZED; \
	if (!g) return INVALID_ARGUMENT; \
	ret_t failed = fault(key, g->index); \
	if (failed) return failed

// ---- the quantities

static unsigned long long milliwatts(gpu_t *g) { return (unsigned long long)(1000 * number("FAKE_NVML_WATTS", g->index, "400")); }

static unsigned long long millijoules(gpu_t *g) {
	unsigned long long tick = (unsigned long long)(1e6 * number("FAKE_NVML_TICK_MS", 0, "100"));
	unsigned long long ticks = nanoseconds(CLOCK_MONOTONIC) / tick;
	unsigned long long mj = (unsigned long long)((double)milliwatts(g) * ticks * tick / 1e9);
	mj += strtoull(setting("FAKE_NVML_BASE_MJ", "0"), NULL, 10);
	char value[64];
	pthread_mutex_lock(&mutex);
	if (!g->zero && find("reset", g->index, value, sizeof value)) g->zero = mj;
	mj -= g->zero;
	if (find("jump", g->index, value, sizeof value)) mj += strtoull(value, NULL, 10);
	pthread_mutex_unlock(&mutex);
	return mj;
}

// ---- the library

static ret_t init(void) {
	ret_t failed = fault("nvmlInit", -1);
	if (failed) return failed;
	for (int i = 0; i < MAX_GPUS; i++) {
		gpus[i].index = i;
		gpus[i].instance = -1;
		for (int j = 0; j < MAX_INSTANCES; j++) {
			instances[i][j].index = i;
			instances[i][j].instance = j;
		}
	}
	initialised = 1;
	return SUCCESS;
}

ret_t nvmlInit(void) { return init(); }
ret_t nvmlInit_v2(void) { return init(); }
ret_t nvmlShutdown(void) { initialised = 0; return SUCCESS; }
const char *nvmlErrorString(ret_t r) { return r ? "made-up error" : "Success"; }

ret_t nvmlSystemGetDriverVersion(char *s, unsigned int n) {
	ret_t failed = fault("nvmlSystemGetDriverVersion", -1);
	if (failed) return failed;
	snprintf(s, n, "%s", "999.01");
	return SUCCESS;
}

ret_t nvmlSystemGetProcessName(unsigned int pid, char *s, unsigned int n) {
	ret_t failed = fault("nvmlSystemGetProcessName", -1);
	if (failed) return failed;
	snprintf(s, n, "/opt/made-up/process-%u", pid);
	return SUCCESS;
}

static ret_t count(unsigned int *n) {
	if (!initialised) return UNINITIALIZED;
	ret_t failed = fault("nvmlDeviceGetCount", -1);
	if (failed) return failed;
	*n = gpuCount();
	return SUCCESS;
}
ret_t nvmlDeviceGetCount(unsigned int *n) { return count(n); }
ret_t nvmlDeviceGetCount_v2(unsigned int *n) { return count(n); }

static ret_t handle(unsigned int i, gpu_t **out) {
	if (i >= (unsigned int)gpuCount()) return INVALID_ARGUMENT;
	gpu_t *g = &gpus[i];
	BEGIN("nvmlDeviceGetHandleByIndex");
	*out = g;
	return SUCCESS;
}
ret_t nvmlDeviceGetHandleByIndex(unsigned int i, gpu_t **out) { return handle(i, out); }
ret_t nvmlDeviceGetHandleByIndex_v2(unsigned int i, gpu_t **out) { return handle(i, out); }

ret_t nvmlDeviceGetUUID(gpu_t *g, char *s, unsigned int n) {
	BEGIN("nvmlDeviceGetUUID");
	if (g->instance < 0) snprintf(s, n, "GPU-%08x-0000-4000-8000-000000000000", 0xa0000000u + g->index);
	else snprintf(s, n, "MIG-%08x-0000-4000-8000-%012d", 0xb0000000u + g->index, g->instance);
	return SUCCESS;
}

ret_t nvmlDeviceGetName(gpu_t *g, char *s, unsigned int n) {
	BEGIN("nvmlDeviceGetName");
	item(setting("FAKE_NVML_MODEL", "NVIDIA H200"), g->index, s, n);
	return SUCCESS;
}

ret_t nvmlDeviceGetVbiosVersion(gpu_t *g, char *s, unsigned int n) {
	BEGIN("nvmlDeviceGetVbiosVersion");
	snprintf(s, n, "96.00.89.00.%02X", g->index);
	return SUCCESS;
}

static ret_t pci(gpu_t *g, pci_t *p, int old) {
	BEGIN("nvmlDeviceGetPciInfo");
	p->domain = 0, p->bus = 0x17 + g->index, p->device = 0;
	snprintf(p->legacy, sizeof p->legacy, "0000:%02X:00.0", p->bus);
	if (!old) snprintf(p->busId, sizeof p->busId, "00000000:%02X:00.0", p->bus);
	return SUCCESS;
}
ret_t nvmlDeviceGetPciInfo(gpu_t *g, pci_t *p) { return pci(g, p, 1); }
ret_t nvmlDeviceGetPciInfo_v2(gpu_t *g, pci_t *p) { return pci(g, p, 1); }
ret_t nvmlDeviceGetPciInfo_v3(gpu_t *g, pci_t *p) { return pci(g, p, 0); }

ret_t nvmlDeviceGetEnforcedPowerLimit(gpu_t *g, unsigned int *mw) {
	BEGIN("nvmlDeviceGetEnforcedPowerLimit");
	*mw = (unsigned int)(1000 * number("FAKE_NVML_LIMIT_W", g->index, "700"));
	return SUCCESS;
}

ret_t nvmlDeviceGetTemperature(gpu_t *g, int sensor, unsigned int *celsius) {
	BEGIN("nvmlDeviceGetTemperature");
	*celsius = (unsigned int)number("FAKE_NVML_CELSIUS", 0, "45");
	return SUCCESS;
}

ret_t nvmlDeviceGetTemperatureV(gpu_t *g, temperature_t *t) {
	BEGIN("nvmlDeviceGetTemperature");
	if (t->version != (sizeof *t | 1 << 24)) return ARGUMENT_VERSION_MISMATCH;
	t->celsius = (int)number("FAKE_NVML_CELSIUS", 0, "45");
	return SUCCESS;
}

// ---- energy and power

ret_t nvmlDeviceGetTotalEnergyConsumption(gpu_t *g, unsigned long long *mj) {
	BEGIN("nvmlDeviceGetTotalEnergyConsumption");
	*mj = valued("nvmlDeviceGetTotalEnergyConsumption", g->index, millijoules(g));
	return SUCCESS;
}

ret_t nvmlDeviceGetPowerUsage(gpu_t *g, unsigned int *mw) {
	BEGIN("nvmlDeviceGetPowerUsage");
	*mw = (unsigned int)valued("nvmlDeviceGetPowerUsage", g->index, milliwatts(g));
	return SUCCESS;
}

// moduleWatts is the power of the module that the GPU is in, CPU included; 0 if it is in
// none.
static double moduleWatts(gpu_t *g) { return number("FAKE_NVML_MODULE_W", g->index, "0"); }

// scoped fills in the fields that have a scope, 0 for the GPU and 1 for the module, and
// reports whether it is one of them. A driver of before scopes ignores them.
static int scoped(gpu_t *g, field_t *f) {
	double module = moduleWatts(g);
	int scopes = strcmp(setting("FAKE_NVML_SCOPES", "1"), "0"), counts = atoi(setting("FAKE_NVML_COUNTS_MODULE", "0"));
	int of = f->scopeId == 1 && scopes;
	switch (f->fieldId) {
	case 185: case 186: case 190: case 191:
		if (of && !module) {
			f->ret = NOT_SUPPORTED;
			return 1;
		}
		break;
	case 83:
		of = counts;
		break;
	default:
		return 0;
	}
	double share = of && module ? module * 1000 / milliwatts(g) : 1;
	switch (f->fieldId) {
	case 190:
		f->valueType = UNSIGNED_INT;
		f->value.ui = (unsigned int)(1000 * number(of ? "FAKE_NVML_MODULE_LIMIT_W" : "FAKE_NVML_LIMIT_W", g->index, of ? "1000" : "700"));
		return 1;
	case 191: case 83:
		f->value.ull = (unsigned long long)(share * millijoules(g));
		return 1;
	}
	f->valueType = UNSIGNED_INT; // POWER_AVERAGE, POWER_INSTANT
	f->value.ui = (unsigned int)(share * milliwatts(g));
	return 1;
}

static void field(gpu_t *g, field_t *f) {
	char key[16];
	snprintf(key, sizeof key, "%u", f->fieldId);
	char value[64];
	if (find(key, g->index, value, sizeof value) && !strcmp(value, "ignore")) return;
	f->timestamp = nanoseconds(CLOCK_REALTIME) / 1000;
	f->ret = fault(key, g->index);
	if (f->ret) return;
	f->valueType = UNSIGNED_LONG_LONG;
	if (scoped(g, f)) {
		if (f->ret) return;
		if (f->valueType == UNSIGNED_INT) f->value.ui = (unsigned int)valued(key, g->index, f->value.ui);
		else f->value.ull = valued(key, g->index, f->value.ull);
		return;
	}
	switch (f->fieldId) {
	case 74: case 76: case 269: case 270: case 271: // clocks event reasons
		f->value.ull = valued(key, g->index, f->fieldId * 1000000ULL);
		return;
	}
	f->ret = INVALID_ARGUMENT;
}

ret_t nvmlDeviceGetFieldValues(gpu_t *g, int n, field_t *fs) {
	BEGIN("nvmlDeviceGetFieldValues");
	for (int i = 0; i < n; i++) field(g, &fs[i]);
	return SUCCESS;
}

// The buffer of power samples: one every 20 ms, 120 of them. Like the driver, it
// announces more than it then delivers.
ret_t nvmlDeviceGetSamples(gpu_t *g, int type, unsigned long long last, int *valueType, unsigned int *n, sample_t *samples) {
	enum { STEP = 20000, KEPT = 120 };
	BEGIN("nvmlDeviceGetSamples");
	if (type != 0) return NOT_SUPPORTED;
	*valueType = UNSIGNED_INT;
	unsigned long long newest = nanoseconds(CLOCK_REALTIME) / 1000 / STEP * STEP;
	unsigned long long first = newest - (KEPT - 1) * STEP;
	if (last >= newest) return NOT_FOUND;
	if (!samples) {
		*n = KEPT;
		return SUCCESS;
	}
	unsigned int got = 0;
	for (unsigned long long us = first; us <= newest && got < *n; us += STEP) {
		if (us <= last) continue;
		samples[got].us = us;
		samples[got++].value.ui = (unsigned int)valued("nvmlDeviceGetSamples", g->index, milliwatts(g));
	}
	*n = got;
	return SUCCESS;
}

ret_t nvmlDeviceGetPersistenceMode(gpu_t *g, unsigned int *mode) {
	BEGIN("nvmlDeviceGetPersistenceMode");
	*mode = atoi(setting("FAKE_NVML_PERSISTENCE", "1"));
	return SUCCESS;
}

// ---- MIG

ret_t nvmlDeviceGetMigMode(gpu_t *g, unsigned int *current, unsigned int *pending) {
	BEGIN("nvmlDeviceGetMigMode");
	*current = *pending = migCount(g->index) >= 0;
	return SUCCESS;
}

ret_t nvmlDeviceGetMaxMigDeviceCount(gpu_t *g, unsigned int *n) {
	BEGIN("nvmlDeviceGetMaxMigDeviceCount");
	*n = MAX_INSTANCES + 1;
	return SUCCESS;
}

// Number 0 is a gap, as an instance leaves that was destroyed.
ret_t nvmlDeviceGetMigDeviceHandleByIndex(gpu_t *g, unsigned int i, gpu_t **out) {
	BEGIN("nvmlDeviceGetMigDeviceHandleByIndex");
	if (i > MAX_INSTANCES) return INVALID_ARGUMENT;
	if (i == 0 || (int)i > migCount(g->index)) return NOT_FOUND;
	*out = &instances[g->index][i - 1];
	return SUCCESS;
}

// ---- processes: those of FAKE_NVML_PROCESSES, and this one

static unsigned int pids(unsigned int *out, unsigned int room) {
	unsigned int n = 0;
	const char *s = setting("FAKE_NVML_PROCESSES", "");
	while (*s && n < room) {
		out[n++] = (unsigned int)strtoul(s, (char **)&s, 10);
		s += strspn(s, ",");
	}
	if (n < room) out[n++] = (unsigned int)getpid();
	return n;
}

static ret_t processes(const char *key, gpu_t *g, unsigned int *n, void *out, int old) {
	BEGIN(key);
	unsigned int all[64], have = pids(all, 64), room = *n;
	*n = have;
	if (have > room) return INSUFFICIENT_SIZE;
	for (unsigned int i = 0; i < have; i++) {
		if (old) ((process1_t *)out)[i] = (process1_t){all[i], 1 << 20};
		else ((process_t *)out)[i] = (process_t){all[i], 1 << 20, ~0u, ~0u};
	}
	return SUCCESS;
}

ret_t nvmlDeviceGetComputeRunningProcesses(gpu_t *g, unsigned int *n, void *out) { return processes("nvmlDeviceGetComputeRunningProcesses", g, n, out, 1); }
ret_t nvmlDeviceGetComputeRunningProcesses_v2(gpu_t *g, unsigned int *n, void *out) { return processes("nvmlDeviceGetComputeRunningProcesses", g, n, out, 0); }
ret_t nvmlDeviceGetComputeRunningProcesses_v3(gpu_t *g, unsigned int *n, void *out) { return processes("nvmlDeviceGetComputeRunningProcesses", g, n, out, 0); }

// Graphics processes are the same ones: a process may have both contexts.
ret_t nvmlDeviceGetGraphicsRunningProcesses(gpu_t *g, unsigned int *n, void *out) { return processes("nvmlDeviceGetGraphicsRunningProcesses", g, n, out, 1); }
ret_t nvmlDeviceGetGraphicsRunningProcesses_v2(gpu_t *g, unsigned int *n, void *out) { return processes("nvmlDeviceGetGraphicsRunningProcesses", g, n, out, 0); }
ret_t nvmlDeviceGetGraphicsRunningProcesses_v3(gpu_t *g, unsigned int *n, void *out) { return processes("nvmlDeviceGetGraphicsRunningProcesses", g, n, out, 0); }
