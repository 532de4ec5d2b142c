// Package series measures what tokens cost in production, over hours and days, from what a
// Prometheus server has scraped: joules per token, watts and tokens per second of each step of
// time, by model, by role and in all.
//
//	s, err := series.Read(ctx, series.Options{
//		Server: "http://prometheus:9090",
//		Start:  time.Now().Add(-24 * time.Hour), Every: 5 * time.Minute,
//	})
//	s.WriteTable(os.Stdout)
//
// # Numbers
//
// A device's energy in a step is what its counter went up by between the samples next to the
// edges of the step. At an edge between two samples the counter is on the line between them, and
// anywhere between their values for the interval: the power times the scrape interval, at each edge.
// That bound is hard, and it adds up over devices, so that the interval of a step is at most about the
// scrape interval by the step, whatever the load does. Tokens are counted by the same rule; see
// package tokens for what running requests add. Nothing is extrapolated, and no average is taken of
// ratios.
//
// A number that cannot be defended has a [energy.Reason] in its place: a counter that was
// reset in the step, a device or server that was scraped at one of its edges only.
//
// # Models
//
// The energy of a model is that of the GPUs of its pods (the label pod, or exported_pod, of the GPU's
// series and of the server's), or without pods of the hosts that serve nothing else. What GPUs
// cannot be given to a model is the group "no model". The models and "no model" add up to the whole;
// roles do so by themselves, if each device has one.
package series
