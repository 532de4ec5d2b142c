package main

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/joulebench/joulebench/internal/command"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/assert/yaml"
	"github.com/stretchr/testify/require"
)

// documentedWorkflows are the workflows for GitHub Actions in the README and the
// docs, by the page and the position.
func documentedWorkflows(t *testing.T) map[string]string {
	t.Helper()
	root := filepath.Join("..", "..", "..")
	block := regexp.MustCompile("(?s)\n```yaml\n(.*?)\n```\n")
	found := map[string]string{}
	for _, page := range []string{"README.md", filepath.Join("docs", "gate.md")} {
		text, err := os.ReadFile(filepath.Join(root, page))
		require.NoError(t, err)
		blocks := block.FindAllStringSubmatch(string(text), -1)
		require.Len(t, blocks, 1, "workflows in %s", page)
		found[page] = blocks[0][1] + "\n"
	}
	return found
}

// TestWorkflowsArePinned: an action is named by its commit, with the version as a
// comment, and the token may only read.
func TestWorkflowsArePinned(t *testing.T) {
	uses := regexp.MustCompile(`uses: (.*)`)
	pinned := regexp.MustCompile(`^[\w/-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$`)
	for page, workflow := range documentedWorkflows(t) {
		list := uses.FindAllStringSubmatch(workflow, -1)
		require.NotEmpty(t, list, page)
		for _, u := range list {
			assert.Regexp(t, pinned, u[1], page)
		}
		assert.Contains(t, workflow, "\npermissions:\n  contents: read\n", page)
	}
}

// TestWorkflowsCommands: the commands in the workflows are those of this program,
// with flags that it has.
func TestWorkflowsCommands(t *testing.T) {
	for page, workflow := range documentedWorkflows(t) {
		commands := workflowCommands(t, workflow)
		require.NotEmpty(t, commands, page)
		for _, args := range commands {
			assert.NoError(t, parseable(t, args), "%s: %q", page, args)
		}
	}
	assert.Error(t, parseable(t, []string{"gate", "-frobnicate", "old.txt", "new.txt"}))
	assert.Error(t, parseable(t, []string{"gate", "-threshold", "J/op=3", "old.txt", "new.txt"}))
	assert.Error(t, parseable(t, []string{"brew", "old.txt", "new.txt"}))
}

// operands are how many arguments of a subcommand in a workflow are no flags.
var operands = map[string]int{"gate": 2, "ab": 1}

// parseable returns an error if a command does not take its flags. It asks for
// help after them, so that nothing is run.
func parseable(t *testing.T, args []string) error {
	var errs bytes.Buffer
	asked := slices.Insert(slices.Clone(args), len(args)-operands[args[0]], "-h")
	if code := program.Run(t.Context(), asked, command.Streams{Out: io.Discard, Err: &errs}); code != command.OK {
		return errors.New(errs.String())
	}
	return nil
}

// workflowCommands are the arguments of each powertest in the steps of a workflow.
func workflowCommands(t *testing.T, workflow string) (commands [][]string) {
	t.Helper()
	var w struct {
		Jobs map[string]struct {
			Steps []struct {
				Run string `yaml:"run"`
			} `yaml:"steps"`
		} `yaml:"jobs"`
	}
	require.NoError(t, yaml.Unmarshal([]byte(workflow), &w))
	for _, job := range w.Jobs {
		for _, step := range job.Steps {
			for line := range strings.Lines(step.Run) {
				if args, ours := strings.CutPrefix(line, "powertest "); ours {
					commands = append(commands, shellWords(args))
				}
			}
		}
	}
	return commands
}

// TestWorkflowKeepsFailures: the workflow with ab keeps what a failed sample wrote.
func TestWorkflowKeepsFailures(t *testing.T) {
	workflow := documentedWorkflows(t)["README.md"]
	require.Contains(t, workflow, "powertest ab ")
	assert.Contains(t, workflow, "\n            *.failed.txt\n")
}

// TestGateScriptTable: docs/gate.md has each script of what went wrong elsewhere,
// and names none that is not there.
func TestGateScriptTable(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("..", "..", "..", "docs", "gate.md"))
	require.NoError(t, err)
	var named []string
	for _, m := range regexp.MustCompile("`(gate_\\w+)`").FindAllStringSubmatch(string(text), -1) {
		named = append(named, m[1])
		_, err := os.Stat(filepath.Join("testdata", "script", m[1]+".txtar"))
		assert.NoError(t, err)
	}
	scripts, err := filepath.Glob(filepath.Join("testdata", "script", "gate_*[0-9]*_*.txtar"))
	require.NoError(t, err)
	require.NotEmpty(t, scripts)
	for _, script := range scripts {
		assert.Contains(t, named, strings.TrimSuffix(filepath.Base(script), ".txtar"))
	}
}
