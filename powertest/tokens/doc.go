// Package tokens reads from an inference server how many tokens it has read and written in a
// window: by its own counters, for loads whose client does not count, and to check one that
// does.
//
// A server is named as POWERTEST_TOKENS names it:
//
//	vllm=http://host:8000/metrics        a page of a server; several, with commas, are replicas
//	http://host:8000                     the same, of whatever kind the page shows it to be
//	prometheus=http://prom:9090&job=vllm what a Prometheus server has scraped, by labels
//
// Kinds of servers are dynamo, vllm, sglang, tgi, trtllm, lmdeploy, llamacpp and triton, of
// which the last counts requests only. Ollama exports no counters.
//
// # What is read
//
// A page is read just before a window and just after it, within 2 s, and at no other
// time; a Prometheus server is asked after the window. Nothing is read while the window is
// open, unless its edges are set afterwards: then once a second.
//
// A server's ranks and replicas are added up once. Pages of two addresses that are of one
// process are noticed where it says when it began.
//
// # How well it is known
//
// Each [Count] has an interval. It has three parts:
//
//   - Between two readings a counter is only known not to go down. A reading at an edge takes
//     some ms: where requests are running then, the counter may have gone up by twice its
//     mean rate.
//   - Servers add prompts as a whole, and some of them add all tokens of a request when it
//     ends. Then requests that are running at an edge are counted on one side of it only:
//     by how much that can be wrong is their number times the mean length of a request.
//   - A counter that is read over a window with pauses counts what happens in these, too.
//
// A counter that goes down, or whose process began in the window, was reset: there is no
// count then, and [Counts.Reasons] says so.
package tokens
