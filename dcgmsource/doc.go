// Package dcgmsource reads the energy of NVIDIA GPUs of other machines from the
// pages of dcgm-exporter, and of other devices from those of other exporters. Importing it
// registers the source:
//
//	POWERTEST_SOURCE=dcgm=gpu-node-01,gpu-node-02
//	POWERTEST_SOURCE=dcgm=node-01:9100?kind=cpu
//	POWERTEST_SOURCE=dcgm=node-01:9999?metric=acme_energy&unit=mJ&id=card
//
// It is not for GPUs of this machine: package nvmlsource reads those as often as
// their counters change, and closes the edges of a window a thousand times as
// closely. Nor is it for a whole fleet: package promsource asks the server that
// scrapes it. Nor for windows that are short beside the exporter's interval, which
// is 30 s unless it was started with another. Start it with -c 1000: a window of a
// minute is then measured to about one percent. Much less than that slows the
// server that is measured: DCGM reading every 100 ms was seen to cost 2 % of
// decoding latency.
//
// # Addresses
//
// An endpoint is written as people write it: gpu-node-01, gpu-node-01:9400,
// [::1]:9400, https://gpu-node-01/dcgm/metrics. The scheme is http and the path
// /metrics unless it says otherwise; the port is 9400 if there is neither a
// scheme nor a port. Credentials are given in the address, in [HTTP], or in the
// environment:
//
//	POWERTEST_HTTP_BEARER_TOKEN      POWERTEST_HTTP_BEARER_TOKEN_FILE
//	POWERTEST_HTTP_USER              POWERTEST_HTTP_PASSWORD, POWERTEST_HTTP_PASSWORD_FILE
//	POWERTEST_HTTP_CA_FILE           POWERTEST_HTTP_HEADERS ("X-Scope-OrgID: team; Other: value")
//
// Errors, devices and results hold no credentials, and of the query of an address only
// kind, metric, unit, id and model, which are not sent to the exporter.
//
// # Which exporters
//
// Which metrics are read, docs/remote.md lists: those of nvidia_gpu_exporter, Triton,
// Kepler, AMD's and Intel's exporters, all-smi, node_exporter, Scaphandre and ipmi_exporter
// beside dcgm-exporter's. The GPUs of a page are measured, or where there are none its
// processors with their memory, or else the machine; others by [Config.Kinds], and a metric
// that is not known by [Config.Metric]. A device is read by its best metric, and what is not
// measured is named in [energy.Info.Version].
//
// # Which GPUs
//
// A GPU is known by its UUID, and by nothing else: names of hosts are those of
// containers, or "localhost", as it happens. An exporter repeats the counter of a
// GPU for every MIG instance, pod, job and claim; it is counted once, and
// [Source.Collapsed] and [energy.Device.Rows] say how many rows it had. What the
// rows mean for the number is marked: [energy.MIGParentScope], and
// [energy.SharedGPU] if several users have the GPU. A GPU behind several
// endpoints counts once, too; the endpoint that shows the newest value of its
// counter is believed.
//
// A GPU that is on a page, but whose energy and power are not, is a device all
// the same, whose readings fail: a sum that lacks one is not published. So is one
// whose rows cannot be parsed. A counter that stays at 0 is none, and the power is read.
// To measure the others, select them by
// [Config.Devices]. If an endpoint cannot be read, [Open] fails; so it does if the pages of
// an address are of several nodes by turns, as those of a Kubernetes Service are. A GPU
// that appears on a page later, and would have been selected, withholds the number, and so
// do pages that turn out to be of several nodes: see [Source.Findings].
//
// The unit follows from the name of the metric: versions from 4.9.0 export joules
// (DCGM_FI_DEV_GPU_ENERGY_JOULES_TOTAL), those before millijoules. Where there are
// both, the finer one is read. A name that looks like energy but is not known is an
// error, and not a guess: see [ErrUnknownMetric]. GPUs without a counter are
// read by their power.
//
// # Roles
//
// In a server that divides its work, GPUs have roles, such as prefill and
// decode. A role is given to all GPUs of an endpoint by the fragment of its
// address, gpu-node-01#prefill, or to any by [Config.Roles]. The energy of a role
// is that of its GPUs over the whole window, busy or not: it is not the energy of
// a phase of the work. A GPU has one role.
//
// # When values are of
//
// An exporter shows the last value that DCGM has read, without saying when that
// was; requesting the page does not make it read another. Readings are therefore
// made until the value changes, and it is the changes that are measured between.
// The interval is learned; what [energy.Info] says is the exporter's default.
// The page is requested five times when the source is opened, and from then on at most ten
// times a second, one request at a time.
//
// # What was left out
//
// DCGM's host engine could be asked directly, through go-dcgm, and reports the time
// of each value. But its client library keeps one connection for each process,
// so that it cannot read several hosts; it needs a libdcgm of nearly the host
// engine's version on this machine, and cgo; and the host engine has neither
// credentials nor TLS. Where times must be exact, run the benchmark's measuring
// side on the GPU's host, with package nvmlsource; otherwise give the exporter
// -c 1000.
package dcgmsource
