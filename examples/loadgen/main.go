// Loadgen loads an OpenAI-compatible inference server with more and more users,
// and reports what a token costs in energy at each number of them. It is an example
// of package powertest in a load harness: what a [powertest.Meter] is for.
//
//	go run ./examples/loadgen
//
// needs nothing: the server is embedded and its GPU is simulated, as the output says.
// To load a real server on this machine's GPUs, name it:
//
//	OPENAI_BASE_URL=http://localhost:8000/v1 OPENAI_API_KEY=… go run ./examples/loadgen -model my-model
//
// Where the GPUs are on other machines, name their exporters, or the Prometheus
// server that scrapes them, as well: POWERTEST_SOURCE=dcgm=gpu-node-01,gpu-node-02.
// Where no GPU can be read, all but the energy is measured.
//
// # The load
//
// It is closed: each user asks, reads the answer as it is streamed, and asks
// again. A level begins with -warmup, in which the users are at work already,
// followed by the window of -duration, which is measured. When that is over no
// more is asked, and answers that are under way are read to their end. What is
// counted is what came inside the window, token by token, whenever its request
// began and ended. -steady goes further, and measures from the first token of as
// many requests as there are users to that of the last but as many: requests and
// good tokens are then those of requests that ended in that time, and the times to
// tokens stay those of the whole window.
//
// Prompts are of random words, a different one for each request, but the same in
// each run with one -seed: a server that caches prefixes has them in the second
// run. A user waits after a refusal, for longer each time up to 5 s.
//
// # The output
//
// The table on standard output has a row for each level:
//
//	users             how many ask at the same time
//	req/s             requests that ended in the window
//	tokens/s          output tokens that came in the window
//	TTFT-p99-ms       time from the request to its first token: of the first
//	                  tokens in the window
//	SLO-%             requests that met -slo-ttft, and -slo-itl with the mean time
//	                  between their tokens: of those with tokens in the window
//	W                 mean power of all GPUs
//	tokens/J, ±%      output tokens per joule, and how far that can be wrong
//	errors            requests that failed, in the warm-up and after the window too
//
// and with -v also
//
//	requests          how many that were
//	TTFT-p50-ms       the median of the same
//	ITL-p50-ms, -p99  time between one chunk of an answer and the next: of those
//	                  that ended in the window
//	goodput-tokens/J  tokens/J of requests that met both objectives
//	J/token           joules per output token
//	prefill-J/req     joules while at least one request waited for its first
//	decode-J/req      token, or for the others, by requests. With many users both
//	                  go on at the same time, and joules are in both
//
// A number that is not known is "-", and a note below the table says why. -benchfmt
// writes the same levels in the Go benchmark format, for benchstat: run with -count 6.
// -benchfmt - writes them to standard output, and the table to standard error. -json
// writes everything that is known.
//
// An interrupt ends the level that is under way, and prints what was measured so
// far; a second one ends the program at once. The exit code is 0; 1 if a level had
// no request that succeeded, or something could not be written; 2 for a wrong
// flag; 130 after an interrupt.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"

	"github.com/joulebench/joulebench/internal/chat"
	"github.com/joulebench/joulebench/internal/command"
	"github.com/joulebench/joulebench/internal/terminal"
	"github.com/joulebench/joulebench/simsource"
)

// Exit codes.
const (
	ok          = 0
	failed      = 1
	usage       = 2
	interrupted = 130
)

func main() {
	ctx, stop := command.Interruptible(context.Background(), os.Interrupt)
	code := run(ctx, connect, os.Args[1:], os.Stdout, os.Stderr, os.Getenv)
	stop()
	os.Exit(code)
}

// run is the program, and returns its exit code. connect returns a client of the
// server that is configured, and what ends both.
func run(ctx context.Context, connect connector, args []string, stdout, stderr io.Writer, getenv func(string) string) int {
	say := func(format string, args ...any) {
		fmt.Fprintln(stderr, terminal.Text(fmt.Sprintf("loadgen: "+format, args...)))
	}
	c, err := parse(args, stdout, getenv)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return ok
	case err != nil:
		say("%v", err)
		return usage
	}
	llm, hangUp, err := connect(c)
	if err != nil {
		say("%v", err)
		return failed
	}
	defer hangUp()
	meter, err := openMeter(ctx, c.embedded(), say, getenv)
	switch {
	case ctx.Err() != nil:
		return interrupted
	case err != nil:
		say("%v", err)
		return failed
	}
	defer meter.Close()
	s := &session{config: c, llm: llm, meter: meter, say: say, stdout: stdout, table: stdout}
	if c.bench == standard { // whose reader takes nothing else
		s.table = stderr
	}
	return s.run(ctx)
}

type connector func(config) (llm *chat.Client, hangUp func(), err error)

// connect is the [connector] of the program: the server that is named, or an
// embedded one.
func connect(c config) (llm *chat.Client, hangUp func(), err error) {
	settings := chat.Config{URL: c.url, Key: c.key, Model: c.model, CountChunks: true}
	stop := func() error { return nil }
	if c.embedded() {
		server, err := chat.Serve(simsource.Default())
		if err != nil {
			return nil, nil, err
		}
		settings.URL, settings.Key, stop = server.URL, "", server.Close
	}
	if llm, err = chat.NewClient(settings); err != nil {
		return nil, nil, errors.Join(err, stop())
	}
	return llm, func() { llm.Close(); stop() }, nil
}
