// Package promsource reads the energy of GPUs, processors and machines from a
// Prometheus server that scrapes their exporters, or from one with the same API:
// Mimir, Thanos, VictoriaMetrics. The exporters are those of package dcgmsource. Importing
// it registers the source:
//
//	POWERTEST_SOURCE=prometheus=http://prometheus:9090?selector={job="dcgm"}&collect=1s
//
// It is for fleets, and for hosts that only the server reaches. A few hosts that
// this machine reaches are read by package dcgmsource, which sees when a value
// changes; the GPUs of this machine by package nvmlsource.
//
// # What is asked
//
// [Source.ReadRange] asks the server for raw samples around the edges of a window,
// after its end: not for increase() or instant values, which are off by as much as
// the window is long where an exporter collects seldom, and do not show resets,
// restarts and pods that come and go. Nothing is asked while a window is open. Then
// the source waits until the server has what came after the window, about two
// refresh periods.
//
// After a question mark an argument has keys and values. selector narrows the
// series down, in PromQL. collect is the exporters' -c: where they are scraped
// less often than they collect, nothing else says how old a sample is, and the
// interval is several times as wide without it. role.NAME gives a role to GPUs.
// window lists the GPUs of a window of the past; kind, metric, unit, id and model say what
// is measured, as they do for package dcgmsource: see [Config].
// Other keys are sent with each query:
//
//	http://mimir:8080/prometheus?selector={job="dcgm"}   Mimir; its tenant in POWERTEST_HTTP_HEADERS="X-Scope-OrgID: team"
//	http://thanos:9090?dedup=true&partial_response=false&max_source_resolution=0s
//	http://victoria:8428                                 VictoriaMetrics, which is asked with latency_offset=1ms
//
// # Which GPUs
//
// All series with a GPU's UUID are one counter, whatever their other labels: MIG
// instances, pods that follow each other, replicas. What they mean for the number
// is marked. The unit follows from the metric's name; one that looks like energy
// but is not known is an error: see [ErrUnknownMetric].
//
// # What withholds a number
//
// A reply with a warning is an error: it may lack GPUs. So is one that is not
// whole. GPUs that appear, disappear or are reset withhold the number. The times
// of samples are the server's; its clock is compared with this machine's before and
// after, and a step withholds the number.
//
// # Credentials
//
// They are given in the address, in [HTTP], or in the environment:
//
//	POWERTEST_HTTP_BEARER_TOKEN      POWERTEST_HTTP_BEARER_TOKEN_FILE
//	POWERTEST_HTTP_USER              POWERTEST_HTTP_PASSWORD, POWERTEST_HTTP_PASSWORD_FILE
//	POWERTEST_HTTP_CA_FILE           POWERTEST_HTTP_HEADERS ("X-Scope-OrgID: team; Other: value")
//
// Errors, devices and results hold no credentials, and no query of an address.
package promsource
