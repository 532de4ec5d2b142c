package metricname

import (
	"github.com/joulebench/joulebench/internal/sensors"
	"github.com/joulebench/joulebench/powertest/energy"
)

// Table is all metrics that are read. Where a device has several of a kind, the
// first is taken: the exporter that reads the device's own counter goes before one that
// adds up by itself, and the finer unit before the coarser.
//
// Not in it are shares of a device's energy (of processes, pods, active and idle), zones
// of a processor that its package contains (core, uncore), tiles of a GPU and sums over
// the GPUs of a card: none of these is ever added to another.
var Table = []Metric{
	{Name: "DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION", Kind: Energy, Per: 1000, Step: 1e-3, From: &DCGM},
	{Name: "dcgm_total_energy_consumption", Kind: Energy, Per: 1000, Step: 1e-3, From: &DCGM},
	{Name: "DCGM_FI_DEV_GPU_ENERGY_JOULES_TOTAL", Kind: Energy, Per: 1, Step: 1, From: &DCGM}, // from 4.9.0
	{Name: "nvidia_smi_energy_joules", Kind: Energy, Per: 1, Step: 1e-3, From: &nvidiaGPUExporter},
	{Name: "nv_energy_consumption", Kind: Energy, Per: 1, Step: 1e-3, From: &triton},
	{Name: "kepler_node_gpu_joules", Kind: Energy, Per: 1, Step: 1e-3, From: &keplerGPU},
	{Pattern: ".*gpu_energy_consumed", Kind: Energy, Per: 1e6, From: &amdExporter, Where: wholeAMD},
	{Name: "xpum_energy_joules", Kind: Energy, Per: 1, From: &xpuManager, Where: wholeXPU},
	{Name: "hw_energy_joules", Kind: Energy, Per: 1, From: &xpumd, Where: atSensor("card")},
	{Name: "hw_energy_joules", Kind: Energy, Per: 1, From: &xpumd, Where: atSensor("gpu")},
	{Name: "hw_energy_joules", Kind: Energy, Per: 1, From: &xpumd, Where: atSensor("package")},
	{Name: "all_smi_energy_consumed_joules", Kind: Energy, Per: 1, From: &allSMI, Where: is("scope", "gpu")},

	{Name: "DCGM_FI_DEV_POWER_USAGE", Kind: Power, Per: 1, From: &DCGM, Reading: sensors.Draw},
	{Name: "DCGM_FI_DEV_BOARD_POWER_WATTS", Kind: Power, Per: 1, From: &DCGM, Reading: sensors.Draw}, // from 4.9.0
	{Name: "dcgm_power_usage", Kind: Power, Per: 1, From: &DCGM, Reading: sensors.Draw},
	{Name: "nvidia_smi_power_draw_average_watts", Kind: Power, Per: 1, From: &nvidiaGPUExporter, Reading: sensors.Average},
	{Name: "nvidia_smi_power_draw_instant_watts", Kind: Power, Per: 1, From: &nvidiaGPUExporter, Reading: sensors.Instant},
	{Name: "nvidia_smi_power_draw_watts", Kind: Power, Per: 1, From: &nvidiaGPUExporter, Reading: sensors.Draw},
	{Name: "nv_gpu_power_usage", Kind: Power, Per: 1, From: &triton, Reading: sensors.Draw},
	{Name: "xpum_power_watts", Kind: Power, Per: 1, From: &xpuManager, Where: wholeXPU},
	{Name: "hw_power_watts", Kind: Power, Per: 1, From: &xpumd, Where: atSensor("card")},
	{Name: "hw_power_watts", Kind: Power, Per: 1, From: &xpumd, Where: atSensor("gpu")},
	{Name: "hw_power_watts", Kind: Power, Per: 1, From: &xpumd, Where: atSensor("package")},
	{Pattern: ".*gpu_package_power", Kind: Power, Per: 1, From: &amdExporter, Where: wholeAMD},
	{Pattern: ".*gpu_average_package_power", Kind: Power, Per: 1, From: &amdExporter, Where: wholeAMD},
	{Pattern: ".*gpu_power_usage", Kind: Power, Per: 1, From: &amdExporter, Where: wholeAMD},

	{Name: "node_rapl_package_joules", Pattern: `node_rapl_package_\d+_die_\d+_joules`, Kind: Energy, Per: 1, From: &nodeRAPL, Of: energy.CPU, Where: notMMIO},
	{Name: "node_rapl_dram_joules", Kind: Energy, Per: 1, From: &nodeRAPL, Of: energy.DRAM, Where: notMMIO},
	{Name: "node_rapl_psys_joules", Kind: Energy, Per: 1, From: &nodeRAPL, Of: energy.Node, Where: notMMIO},
	{Name: "node_rapl_joules", Kind: Energy, Per: 1, From: &nodeRAPL, Of: energy.CPU, Where: all(notMMIO, begins("rapl_zone", "package"))},
	{Name: "node_rapl_joules", Kind: Energy, Per: 1, From: &nodeRAPL, Of: energy.DRAM, Where: all(notMMIO, is("rapl_zone", "dram"))},
	{Name: "node_rapl_joules", Kind: Energy, Per: 1, From: &nodeRAPL, Of: energy.Node, Where: all(notMMIO, is("rapl_zone", "psys"))},
	{Name: "kepler_node_cpu_joules", Kind: Energy, Per: 1, From: &keplerCPU, Of: energy.CPU, Where: all(notMMIO, is("zone", "package"))},
	{Name: "kepler_node_cpu_joules", Kind: Energy, Per: 1, From: &keplerCPU, Of: energy.DRAM, Where: all(notMMIO, is("zone", "dram"))},
	{Name: "kepler_node_cpu_joules", Kind: Energy, Per: 1, From: &keplerCPU, Of: energy.Node, Where: all(notMMIO, is("zone", "psys"))},
	{Name: "scaph_socket_energy_microjoules", Kind: Energy, Per: 1e6, From: &scaphandre, Of: energy.CPU},
	{Name: "scaph_domain_energy_microjoules", Kind: Energy, Per: 1e6, From: &scaphandre, Of: energy.DRAM, Where: is("domain_name", "dram")},
	{Name: "scaph_host_energy_microjoules", Kind: Energy, Per: 1e6, From: &scaphandre, Of: energy.Node},
	{Name: "all_smi_energy_consumed_joules", Kind: Energy, Per: 1, From: &allSMI, Of: energy.CPU, Where: is("scope", "cpu")},
	{Name: "all_smi_energy_consumed_joules", Kind: Energy, Per: 1, From: &allSMI, Of: energy.Node, Where: is("scope", "chassis")},

	{Name: "node_hwmon_energy_joule", Kind: Energy, Per: 1, From: &nodeHwmon, Where: is("sensor", "energy1")},
	{Name: "node_hwmon_energy_joule", Kind: Energy, Per: 1, From: &nodeHwmon, Where: is("sensor", "energy2")},
	{Name: "node_hwmon_power_average_watt", Kind: Power, Per: 1, From: &nodeHwmon, Where: is("sensor", "power1")},
	{Name: "node_hwmon_power_watt", Kind: Power, Per: 1, From: &nodeHwmon, Where: is("sensor", "power1")},
	{Name: "kepler_platform_watts", Kind: Power, Per: 1, From: &keplerPlatform, Of: energy.Node, Where: is("source_type", "PowerControl")},
	{Name: "ipmi_dcmi_power_consumption_watts", Kind: Power, Per: 1, From: &ipmiExporter, Of: energy.Node},

	{Name: "nvidia_smi_gpu_info", Kind: About, Per: 1, From: &nvidiaGPUExporter},
	{Name: "node_hwmon_chip_names", Kind: About, Per: 1, From: &nodeHwmon},
	{Pattern: ".*gpu_gfx_activity", Kind: About, Per: 1, From: &amdExporter, Where: wholeAMD},
}
