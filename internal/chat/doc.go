// Package chat has what the tour and the example load generator share: a client
// of OpenAI-compatible servers that streams chat completions, and a small server
// of that kind, which puts its load on a simulated GPU.
package chat
