// Package dcgmsource reads the energy of NVIDIA GPUs of other machines: from the
// pages of dcgm-exporter, or from a Prometheus server that scrapes them.
// Importing it registers both:
//
//	POWERTEST_SOURCE=dcgm=gpu-node-01,gpu-node-02
//	POWERTEST_SOURCE=prometheus=http://prometheus:9090?selector={job="dcgm"}&collect=1s
//
// It is not for GPUs of this machine: package nvmlsource reads those as often as
// their counters change, and closes the edges of a window a thousand times as
// closely. Nor is it for windows that are short beside the exporter's interval,
// which is 30 s unless it was started with another. Start it with -c 1000: a
// window of a minute is then measured to about one percent. Much less than that
// slows the server that is measured: DCGM reading every 100 ms was seen to cost
// 2 % of decoding latency.
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
// Errors, devices and results hold no credentials, and no query of an address.
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
// whose rows cannot be parsed. To measure the others, select them by
// [Config.Devices]. If an endpoint cannot be read, [Open] fails.
//
// The unit follows from the name of the metric: versions from 4.9.0 tell joules
// (DCGM_FI_DEV_GPU_ENERGY_JOULES_TOTAL), those before millijoules. Where both are
// told, it is the finer one. A name that looks like energy but is not known is an
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
// The page is requested at most ten times a second, and one request at a time.
//
// # A Prometheus server
//
// [OpenPrometheus] asks a server, or one with the same API, for raw samples
// around the edges of a window, after its end: not for increase() or instant
// values, which are off by as much as the window is long where an exporter
// collects seldom, and pass over resets, restarts and pods that come and go
// without a word. Nothing is asked while a window is open. Then the source waits
// until the server has what came after the window, two refresh periods or so.
//
// After a question mark an argument has keys and values. selector narrows the
// series down, in PromQL. collect is the exporters' -c: where they are scraped
// less often than they collect, nothing else tells how old a sample is, and the
// interval is several times as wide without it. role.NAME gives a role to GPUs.
// Other keys are sent with each query:
//
//	http://mimir:8080/prometheus?selector={job="dcgm"}   Mimir; its tenant in POWERTEST_HTTP_HEADERS="X-Scope-OrgID: team"
//	http://thanos:9090?dedup=true&partial_response=false&max_source_resolution=0s
//	http://victoria:8428?latency_offset=1ms              else it answers as of 30 s ago
//
// A reply with a warning is an error: it may lack GPUs. So is one that is not
// whole. GPUs that appear, disappear or are reset withhold the number. The times
// of samples are the server's; its clock is compared with ours before and after,
// and a step withholds the number.
//
// # What was left out
//
// DCGM's host engine could be asked directly, through go-dcgm, and tells the time
// of each value. But its client library keeps one connection for each process,
// so that it cannot read several hosts; it needs a libdcgm of nearly the host
// engine's version on this machine, and cgo; and the host engine has neither
// credentials nor TLS. Where times must be exact, run the benchmark's measuring
// side on the GPU's host, with package nvmlsource; otherwise give the exporter
// -c 1000.
package dcgmsource
