package dcgmtest

import "strconv"

// names are what a layout calls things.
type names struct {
	energy, power          string
	energyHelp             string
	uuid, hostname, driver string
	perJoule               float64
}

const (
	energyName = "DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION"
	powerName  = "DCGM_FI_DEV_POWER_USAGE"
	inMilli    = "Total energy consumption since boot (in mJ)."
	inJoules   = "Total GPU energy consumption in joules since the driver was last reloaded"
	driverName = "DCGM_FI_DRIVER_VERSION"
)

var layouts = [...]names{
	ExporterOld: {energyName, powerName, inMilli, "UUID", "Hostname", driverName, 1e3},
	Lowercase:   {energyName, powerName, inMilli, "UUID", "hostname", driverName, 1e3},
	Joules: {"DCGM_FI_DEV_GPU_ENERGY_JOULES_TOTAL", "DCGM_FI_DEV_BOARD_POWER_WATTS", inJoules,
		"UUID", "hostname", "DCGM_FI_SYSTEM_DRIVER_VERSION", 1},
	OnlyPower: {"", powerName, "", "UUID", "Hostname", driverName, 0},
	Compat:    {"dcgm_total_energy_consumption", "dcgm_power_usage", inMilli, "uuid", "Hostname", driverName, 1e3},
}

// family is a metric of the exporter's default configuration that is constant
// here: value, or ratio if that is not zero, and step more for each GPU.
type family struct {
	name, kind, help string
	value, step      int64
	ratio            float64
}

// xidErrors has labels of its own.
const xidErrors = "DCGM_FI_DEV_XID_ERRORS"

var families = []family{
	{"DCGM_FI_DEV_SM_CLOCK", "gauge", "SM clock frequency (in MHz).", 1980, 0, 0},
	{"DCGM_FI_DEV_MEM_CLOCK", "gauge", "Memory clock frequency (in MHz).", 3201, 0, 0},
	{"DCGM_FI_DEV_MEMORY_TEMP", "gauge", "Memory temperature (in C).", 72, 1, 0},
	{"DCGM_FI_DEV_GPU_TEMP", "gauge", "GPU temperature (in C).", 61, 1, 0},
	{"DCGM_FI_DEV_PCIE_REPLAY_COUNTER", "counter", "Total number of PCIe retries.", 0, 0, 0},
	{"DCGM_FI_DEV_GPU_UTIL", "gauge", "GPU utilization (in %).", 97, 0, 0},
	{"DCGM_FI_DEV_MEM_COPY_UTIL", "gauge", "Memory utilization (in %).", 54, 0, 0},
	{"DCGM_FI_DEV_ENC_UTIL", "gauge", "Encoder utilization (in %).", 0, 0, 0},
	{"DCGM_FI_DEV_DEC_UTIL", "gauge", "Decoder utilization (in %).", 0, 0, 0},
	{xidErrors, "gauge", "Value of the last XID error encountered.", 0, 0, 0},
	{"DCGM_FI_DEV_FB_FREE", "gauge", "Framebuffer memory free (in MiB).", 12288, 0, 0},
	{"DCGM_FI_DEV_FB_USED", "gauge", "Framebuffer memory used (in MiB).", 131072, 0, 0},
	{"DCGM_FI_DEV_FB_RESERVED", "gauge", "Framebuffer memory reserved (in MiB).", 1253, 1, 0},
	{"DCGM_FI_DEV_UNCORRECTABLE_REMAPPED_ROWS", "counter", "Number of remapped rows for uncorrectable errors", 0, 0, 0},
	{"DCGM_FI_DEV_CORRECTABLE_REMAPPED_ROWS", "counter", "Number of remapped rows for correctable errors", 0, 0, 0},
	{"DCGM_FI_DEV_ROW_REMAP_FAILURE", "gauge", "Whether remapping of rows has failed", 0, 0, 0},
	{"DCGM_FI_DEV_NVLINK_BANDWIDTH_TOTAL", "counter", "Total number of NVLink bandwidth counters for all lanes.", 0, 0, 0},
	{"DCGM_FI_DEV_VGPU_LICENSE_STATUS", "gauge", "vGPU License status", 1526, 1, 0},
	{"DCGM_FI_PROF_GR_ENGINE_ACTIVE", "gauge", "Ratio of time the graphics engine is active.", 0, 0, 0.713402},
	{"DCGM_FI_PROF_PIPE_TENSOR_ACTIVE", "gauge", "Ratio of cycles the tensor (HMMA) pipe is active.", 0, 0, 0.713402},
	{"DCGM_FI_PROF_DRAM_ACTIVE", "gauge", "Ratio of cycles the device memory interface is active sending or receiving data.", 0, 0, 0.713402},
	{"DCGM_FI_PROF_PCIE_TX_BYTES", "gauge", "The rate of data transmitted over the PCIe bus - including both protocol headers and data payloads - in bytes per second.", 48211934, 1, 0},
	{"DCGM_FI_PROF_PCIE_RX_BYTES", "gauge", "The rate of data received over the PCIe bus - including both protocol headers and data payloads - in bytes per second.", 48211934, 1, 0},
}

// append writes the value of a GPU.
func (f *family) append(b []byte, gpu int) []byte {
	if f.ratio != 0 {
		return appendDouble(b, f.ratio)
	}
	return strconv.AppendInt(b, f.value+f.step*int64(gpu), 10)
}

// appendDouble writes what the exporter prints with %f.
func appendDouble(b []byte, v float64) []byte { return strconv.AppendFloat(b, v, 'f', 6, 64) }
