//go:build unix

package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/joulebench/joulebench/internal/command"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestHostileFiles: whatever stands where a command reads or writes a file, the command
// ends by itself, and what stands there stays.
func TestHostileFiles(t *testing.T) {
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	require.NoError(t, os.WriteFile(at("result.json"), []byte(`{"benchmark_start_time_unix": 1700000000, "benchmark_end_time_unix": 1700000010, "duration": 10}`), 0o600))
	require.NoError(t, os.WriteFile(at("log.csv"), []byte("timestamp, index, power.draw [W]\n2023/11/14 22:13:20.000, 0, 100 W\n2023/11/14 22:13:30.000, 0, 100 W\n"), 0o600))
	require.NoError(t, syscall.Mkfifo(at("pipe"), 0o600))
	require.NoError(t, os.Mkdir(at("folder"), 0o700))
	require.NoError(t, os.Symlink("pipe", at("link")))
	require.NoError(t, os.Symlink("/dev/zero", at("endless")))
	require.NoError(t, os.Symlink("loop", at("loop")))
	require.NoError(t, os.Symlink("none", at("dangling")))
	before := modes(t, dir)
	annotate := []string{"annotate", "-sidecar", at("sidecar"), "-log", at("log.csv"), "-bench", at("result.json"), "-agg", at("agg.json")}
	gate := []string{"gate", recordings("old.txt"), recordings("new-same.txt")}
	plot := []string{"plot", "-o", at("page.html"), recordings("old.txt")}
	for _, c := range []struct {
		command []string
		flag    string
	}{
		{annotate, "-bench"}, {annotate, "-agg"}, {annotate, "-log"}, {annotate, "-sidecar"}, {annotate, "-benchfmt"},
		{annotate, "POWERTEST_PROFILE"}, {gate, "-json"}, {gate, "-junit"}, {gate, "-markdown"},
		{[]string{"annotate", "-sidecar", at("sidecar"), "-log", at("log.csv")}, "-aiperf"},
		{[]string{"annotate", "-sidecar", at("sidecar"), "-bench", at("result.json"), "-agg", at("agg.json")}, "-trace"},
		{plot, "-o"}, {plot, "-svg"}, {plot, "-perfetto"}, {gate, "-plot"}, {annotate, "-plot"}, {[]string{"annotate"}, "-each"},
		{[]string{"plot", "-o", at("page.html")}, "FILE"},
		{[]string{"doctor"}, "-log"}, {[]string{"doctor", "-log", at("log.csv")}, "-meter"},
		{[]string{"doctor", "-source", "dcgm=http://127.0.0.1:1"}, "POWERTEST_HTTP_BEARER_TOKEN_FILE"},
		{[]string{"doctor", "-source", "dcgm=https://127.0.0.1:1"}, "POWERTEST_HTTP_CA_FILE"},
	} {
		for _, planted := range []string{"pipe", "folder", "link", "endless", "loop", "dangling"} {
			t.Run(c.command[0]+" "+c.flag+" "+planted, func(t *testing.T) {
				args := c.command
				if c.flag == "FILE" {
					args = append(slices.Clone(args), at(planted))
				} else if c.flag[0] == '-' {
					args = slices.Concat(args[:1], []string{c.flag, at(planted)}, without(args[1:], c.flag))
				} else {
					t.Setenv(c.flag, at(planted))
				}
				ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
				defer cancel()
				var out, errs bytes.Buffer
				program.Run(ctx, args, command.Streams{Out: &out, Err: &errs})
				require.NoError(t, ctx.Err(), "it does not end: %q", args)
				assert.NotEmpty(t, out.String()+errs.String())
				now := modes(t, dir)
				for name, mode := range before {
					assert.Equal(t, mode, now[name], name)
				}
				assert.NoFileExists(t, at("none"))
			})
		}
	}
}

// without is a command line less a flag with its value.
func without(args []string, flag string) (rest []string) {
	for i := 0; i < len(args); i++ {
		if args[i] == flag {
			i++
			continue
		}
		rest = append(rest, args[i])
	}
	return rest
}

// modes are the kinds of the entries of a folder.
func modes(t *testing.T, dir string) map[string]os.FileMode {
	t.Helper()
	list, err := os.ReadDir(dir)
	require.NoError(t, err)
	kinds := map[string]os.FileMode{}
	for _, e := range list {
		kinds[e.Name()] = e.Type()
	}
	return kinds
}
