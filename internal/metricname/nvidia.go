package metricname

import "time"

// How often exporters read the driver's counter, which changes once in 100 ms at the
// most seldom.
const driverTick = 100 * time.Millisecond

// nvidia is the vendor whose GPUs have the same UUID with all exporters.
const nvidia = "nvidia"

// DCGM is NVIDIA's dcgm-exporter. Its gpu_uuid is that of a link's other end.
var DCGM = Exporter{
	Name:     "dcgm-exporter",
	Mark:     "dcgm",
	Vendor:   nvidia,
	UUID:     []string{"UUID", "uuid"},
	Index:    []string{"gpu"},
	Model:    []string{"modelName"},
	PCI:      []string{"pci_bus_id"},
	Host:     []string{"Hostname", "hostname"},
	Driver:   []string{"DCGM_FI_DRIVER_VERSION", "DCGM_FI_SYSTEM_DRIVER_VERSION"},
	Instance: "GPU_I_ID",
	Tenants: append(pods[:len(pods):len(pods)],
		Tenant{What: "claim", Key: "dra_claim_name", Name: []string{"dra_claim_namespace", "dra_claim_name", "dra_device_name"}},
		Tenant{What: "job", Key: "hpc_job", Name: []string{"hpc_job"}},
		Tenant{What: "vgpu", Key: "vgpu", Name: []string{"vgpu"}}),
	Behind: driverTick,
	Hint:   "start dcgm-exporter with -c 1000",
	blank:  blankOfDCGM,
}

// DCGM marks a value that it does not have by a number that is out of range.
// The exporter leaves such rows out since 2.4; older ones print the number.
const (
	blankInt      = float64(0x7ffffffffffffff0)
	blankDouble   = float64(1 << 47)
	blankDoubleTo = blankDouble + 3
)

func blankOfDCGM(kind Kind, raw float64) bool {
	return raw >= blankInt || kind == Power && raw >= blankDouble && raw <= blankDoubleTo
}

// nvidiaGPUExporter is utkuozdemir's nvidia_gpu_exporter, which reads at each scrape
// unless it has a --collect.interval. Its energy is that of its NVML backend. What a GPU
// is called and where it is are in nvidia_smi_gpu_info.
var nvidiaGPUExporter = Exporter{
	Name:       "nvidia_gpu_exporter",
	Vendor:     nvidia,
	UUID:       []string{"uuid"},
	UUIDPrefix: "GPU-",
	Index:      []string{"index"},
	Model:      []string{"name"},
	PCI:        []string{"pci_bus_id"},
	Driver:     []string{"driver_version"},
	Lists:      true,
	Period:     driverTick,
	Behind:     driverTick,
}

// triton is NVIDIA's Triton Inference Server, which reads each 2 s, and adds up from its
// start on. After three reads that failed it leaves a value as it is, for good.
var triton = Exporter{
	Name:   "Triton",
	Vendor: nvidia,
	UUID:   []string{"gpu_uuid"},
	Period: 2 * time.Second,
	Behind: driverTick,
	Hint:   "start tritonserver with --metrics-interval-ms=1000",
}

// keplerGPU is Kepler's view of the GPUs of a node; what it divides among processes,
// containers and pods is these again.
var keplerGPU = Exporter{
	Name:   "Kepler",
	Vendor: nvidia,
	UUID:   []string{"gpu_uuid"},
	Index:  []string{"gpu"},
	Model:  []string{"gpu_name"},
	Host:   []string{"node_name"},
	Period: keplerInterval,
	Behind: driverTick,
	Hint:   keplerHint,
}

// allSMI is all-smi, which integrates power by itself. Its scopes are in one metric: GPUs,
// processors, and the chassis.
var allSMI = Exporter{
	Name:  "all-smi",
	UUID:  []string{"gpu_uuid"},
	Place: []string{"host", InstanceLabel},
	Local: []string{"scope"},
	Index: []string{"gpu_index"},
	Host:  []string{"host"},
}
