/* A stand-in for libnvidia-ml.so.1 on machines without a GPU: enough of NVML for the Python bindings.
 *
 * The devices are read again at every call from the file named by FAKE_NVML_STATE, so that a test can change
 * them while a program runs. One line a device:
 *
 *     name;total MiB;used MiB;load %;memory load %;temperature C;power mW[;pid:used MiB,pid:used MiB...]
 *
 * A device whose name begins with "MIG " is a slice of the GPU before it: not counted as a device of its own, and
 * without a load, as that GPU then is, too.
 *
 * FAKE_NVML_INIT_ERROR=N makes the initialisation return N (9: driver not loaded).
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DEVICES 16
#define PROCESSES 16
#define MIB (1024ULL * 1024ULL)
#define UUID "GPU-fa4e0000-0000-0000-0000-"
#define SLICE_UUID "MIG-fa4e0000-0000-0000-0000-"

typedef int Result;
typedef unsigned long long u64;

enum { SUCCESS = 0, UNINITIALIZED = 1, INVALID = 2, NOT_SUPPORTED = 3, NOT_FOUND = 6, TOO_SMALL = 7 };

typedef struct {
  unsigned pid;
  u64 used;
} Process;

typedef struct {
  char name[96];
  u64 total, used;
  unsigned load, memory_load, temperature, power;
  unsigned process_count;
  Process process[PROCESSES];
} Device;

static Device devices[DEVICES];
static unsigned device_count;
static int users;

static int parse(char *line, Device *device) {
  char processes[512] = "";
  u64 total = 0, used = 0;
  memset(device, 0, sizeof *device);
  if (sscanf(line, "%95[^;];%llu;%llu;%u;%u;%u;%u;%511[^\n]", device->name, &total, &used, &device->load,
             &device->memory_load, &device->temperature, &device->power, processes) < 7)
    return 0;
  device->total = total * MIB;
  device->used = used * MIB;
  for (char *word = strtok(processes, ","); word && device->process_count < PROCESSES; word = strtok(NULL, ",")) {
    Process *process = &device->process[device->process_count];
    if (sscanf(word, "%u:%llu", &process->pid, &process->used) == 2) {
      process->used *= MIB;
      device->process_count++;
    }
  }
  return 1;
}

static void refresh(void) {
  const char *path = getenv("FAKE_NVML_STATE");
  FILE *file = path ? fopen(path, "r") : NULL;
  char line[1024];
  unsigned count = 0;
  if (file) {
    while (count < DEVICES && fgets(line, sizeof line, file))
      count += parse(line, &devices[count]);
    fclose(file);
  }
  device_count = count;
}

static int is_slice(const Device *device) { return strncmp(device->name, "MIG ", 4) == 0; }

/* The number of slices that follow a GPU. */
static unsigned slices_of(const Device *device) {
  unsigned count = 0;
  for (const Device *next = device + 1; next < devices + device_count && is_slice(next); next++) count++;
  return count;
}

/* The GPU of an index, not counting slices. */
static Device *whole(unsigned index) {
  for (unsigned i = 0; i < device_count; i++)
    if (!is_slice(&devices[i]) && index-- == 0) return &devices[i];
  return NULL;
}

static Result find(void *handle, Device **device) {
  if (!users) return UNINITIALIZED;
  refresh();
  *device = handle;
  return *device >= devices && *device < devices + device_count ? SUCCESS : INVALID;
}

#define WITH_DEVICE                        \
  Device *device;                          \
  Result found = find(handle, &device);    \
  if (found != SUCCESS) return found;

Result nvmlInitWithFlags(unsigned flags) {
  const char *error = getenv("FAKE_NVML_INIT_ERROR");
  (void)flags;
  if (error && *error) return atoi(error);
  users++;
  return SUCCESS;
}

Result nvmlInit_v2(void) { return nvmlInitWithFlags(0); }

Result nvmlShutdown(void) {
  if (!users) return UNINITIALIZED;
  users--;
  return SUCCESS;
}

const char *nvmlErrorString(Result result) {
  switch (result) {
    case SUCCESS: return "Success";
    case UNINITIALIZED: return "Uninitialized";
    case INVALID: return "Invalid Argument";
    case NOT_SUPPORTED: return "Not Supported";
    case NOT_FOUND: return "Not Found";
    case TOO_SMALL: return "Insufficient Size";
    case 9: return "Driver Not Loaded";
    case 15: return "GPU is lost";
    default: return "Unknown Error";
  }
}

Result nvmlSystemGetDriverVersion(char *text, unsigned size) {
  snprintf(text, size, "999.01");
  return SUCCESS;
}

Result nvmlSystemGetNVMLVersion(char *text, unsigned size) {
  snprintf(text, size, "13.999.01");
  return SUCCESS;
}

Result nvmlSystemGetCudaDriverVersion_v2(int *version) {
  *version = 13000;
  return SUCCESS;
}

Result nvmlDeviceGetCount_v2(unsigned *count) {
  if (!users) return UNINITIALIZED;
  refresh();
  for (*count = 0; whole(*count); ++*count)
    ;
  return SUCCESS;
}

Result nvmlDeviceGetHandleByIndex_v2(unsigned index, void **handle) {
  if (!users) return UNINITIALIZED;
  refresh();
  *handle = whole(index);
  return *handle ? SUCCESS : INVALID;
}

Result nvmlDeviceGetHandleByUUID(const char *uuid, void **handle) {
  unsigned index;
  if (sscanf(uuid, UUID "%u", &index) != 1) return NOT_FOUND;
  Result result = nvmlDeviceGetHandleByIndex_v2(index, handle);
  return result == INVALID ? NOT_FOUND : result;
}

Result nvmlDeviceGetIndex(void *handle, unsigned *index) {
  WITH_DEVICE
  if (is_slice(device)) return NOT_SUPPORTED;
  for (*index = 0; whole(*index) != device; ++*index)
    ;
  return SUCCESS;
}

Result nvmlDeviceGetMinorNumber(void *handle, unsigned *minor) { return nvmlDeviceGetIndex(handle, minor); }

Result nvmlDeviceGetName(void *handle, char *text, unsigned size) {
  WITH_DEVICE
  snprintf(text, size, "%s", device->name);
  return SUCCESS;
}

Result nvmlDeviceGetUUID(void *handle, char *text, unsigned size) {
  WITH_DEVICE
  snprintf(text, size, "%s%012u", is_slice(device) ? SLICE_UUID : UUID, (unsigned)(device - devices));
  return SUCCESS;
}

typedef struct {
  u64 total, free, used;
} Memory;

typedef struct {
  unsigned version;
  u64 total, reserved, free, used;
} Memory_v2;

Result nvmlDeviceGetMemoryInfo(void *handle, Memory *memory) {
  WITH_DEVICE
  memory->total = device->total;
  memory->used = device->used;
  memory->free = device->total - device->used;
  return SUCCESS;
}

Result nvmlDeviceGetMemoryInfo_v2(void *handle, Memory_v2 *memory) {
  WITH_DEVICE
  memory->total = device->total;
  memory->used = device->used;
  memory->reserved = 0;
  memory->free = device->total - device->used;
  return SUCCESS;
}

Result nvmlDeviceGetUtilizationRates(void *handle, unsigned *rates) {
  WITH_DEVICE
  if (is_slice(device) || slices_of(device)) return NOT_SUPPORTED;
  rates[0] = device->load;
  rates[1] = device->memory_load;
  return SUCCESS;
}

Result nvmlDeviceGetTemperature(void *handle, unsigned sensor, unsigned *degrees) {
  WITH_DEVICE
  (void)sensor;
  *degrees = device->temperature;
  return SUCCESS;
}

typedef struct {
  unsigned version, sensor;
  int degrees;
} Temperature;

Result nvmlDeviceGetTemperatureV(void *handle, Temperature *temperature) {
  WITH_DEVICE
  temperature->degrees = (int)device->temperature;
  return SUCCESS;
}

Result nvmlDeviceGetPowerUsage(void *handle, unsigned *milliwatts) {
  WITH_DEVICE
  *milliwatts = device->power;
  return SUCCESS;
}

Result nvmlDeviceGetEnforcedPowerLimit(void *handle, unsigned *milliwatts) {
  WITH_DEVICE
  *milliwatts = 300000;
  return SUCCESS;
}

/* The processors (1) run the faster the busier they are; the memory (2) at one speed. */
Result nvmlDeviceGetClockInfo(void *handle, unsigned kind, unsigned *megahertz) {
  WITH_DEVICE
  if (kind != 1 && kind != 2) return NOT_SUPPORTED;
  *megahertz = kind == 2 ? 2619 : 345 + 16 * device->load;
  return SUCCESS;
}

Result nvmlDeviceGetFanSpeed(void *handle, unsigned *percent) {
  WITH_DEVICE
  (void)percent;
  return NOT_SUPPORTED;
}

Result nvmlDeviceGetMigMode(void *handle, unsigned *current, unsigned *pending) {
  WITH_DEVICE
  if (is_slice(device)) return INVALID;
  *current = *pending = slices_of(device) > 0;
  return SUCCESS;
}

Result nvmlDeviceGetMaxMigDeviceCount(void *handle, unsigned *count) {
  WITH_DEVICE
  *count = slices_of(device) ? 7 : 0;
  return SUCCESS;
}

Result nvmlDeviceGetMigDeviceHandleByIndex(void *handle, unsigned index, void **slice) {
  WITH_DEVICE
  if (index >= slices_of(device)) return NOT_FOUND;
  *slice = device + 1 + index;
  return SUCCESS;
}

typedef struct {
  unsigned pid;
  u64 used;
  unsigned gpu_instance, compute_instance;
} ProcessInfo;

Result nvmlDeviceGetComputeRunningProcesses_v3(void *handle, unsigned *count, ProcessInfo *info) {
  WITH_DEVICE
  unsigned room = *count;
  *count = device->process_count;
  if (!device->process_count) return SUCCESS;
  if (!info || room < device->process_count) return TOO_SMALL;
  for (unsigned i = 0; i < device->process_count; i++) {
    info[i].pid = device->process[i].pid;
    info[i].used = device->process[i].used;
    info[i].gpu_instance = info[i].compute_instance = ~0u;
  }
  return SUCCESS;
}

Result nvmlDeviceGetGraphicsRunningProcesses_v3(void *handle, unsigned *count, ProcessInfo *info) {
  WITH_DEVICE
  (void)info;
  *count = 0;
  return SUCCESS;
}
