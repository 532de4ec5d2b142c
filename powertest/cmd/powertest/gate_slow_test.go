//go:build slow

package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestSlowWorkflowsLint: the workflows in the documentation are right as far as
// actionlint knows, and run nothing that could change under a name.
func TestSlowWorkflowsLint(t *testing.T) {
	config := filepath.Join(t.TempDir(), "actionlint.yaml")
	require.NoError(t, os.WriteFile(config, []byte("self-hosted-runner:\n  labels: [gpu]\n"), 0o644))
	lint := func(workflow string) ([]byte, error) {
		c := exec.Command("go", "tool", "-modfile=tools.mod", "actionlint", "-shellcheck=", "-pyflakes=", "-no-color", "-config-file", config, "-")
		c.Dir = filepath.Join("..", "..", "..")
		c.Stdin = strings.NewReader(workflow)
		return c.CombinedOutput()
	}
	for page, workflow := range documentedWorkflows(t) {
		out, err := lint(workflow)
		assert.NoError(t, err, "%s: %s", page, out)
		_, err = lint(strings.Replace(workflow, "runs-on:", "run-on:", 1))
		assert.Error(t, err, "actionlint finds no fault in a workflow that has one")
	}
}
