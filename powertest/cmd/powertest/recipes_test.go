package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/assert/yaml"
	"github.com/stretchr/testify/require"

	"github.com/joulebench/joulebench/smisource/smitest"
)

// A recipe is a block of docs/recipes.md, with the output that is shown after it.
type recipe struct{ section, language, text, output string }

// recipes are the blocks of docs/recipes.md.
func recipes(t *testing.T) (list []recipe) {
	t.Helper()
	page, err := os.ReadFile(filepath.Join("..", "..", "..", "docs", "recipes.md"))
	require.NoError(t, err)
	for _, part := range strings.Split(string(page), "\n## ")[1:] {
		section, rest, _ := strings.Cut(part, "\n")
		assert.LessOrEqual(t, strings.Count(rest, "\n"), 52, "%s is more than a screen", section)
		blocks := regexp.MustCompile("(?ms)^```(\\w*)\n(.*?\n)```$").FindAllStringSubmatch(rest, -1)
		for _, b := range blocks {
			if b[1] == "text" {
				require.NotEmpty(t, list, "output of nothing")
				list[len(list)-1].output = b[2]
				continue
			}
			list = append(list, recipe{section: section, language: b[1], text: b[2]})
		}
	}
	require.NotEmpty(t, list)
	return list
}

// waits reports whether a block runs a benchmark or a server, and is for the slow test.
func (r recipe) waits() bool {
	return regexp.MustCompile(`vllm |-prometheus|my-load-generator`).MatchString(r.text)
}

// run runs a block as it is pasted into a shell, in a directory with what it names. Addresses
// are replaced. It returns the output.
func (r recipe) run(t *testing.T, dir string, addresses ...string) string {
	t.Helper()
	if runtime.GOOS == "windows" {
		t.Skip("the recipes are for a shell")
	}
	cmd := exec.Command("bash", "-euo", "pipefail", "-c", strings.NewReplacer(addresses...).Replace(r.text))
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "TZ=UTC", "REQUIRE_POWER=", "POWERTEST_SOURCE=", "GITHUB_ACTIONS=", "PATH="+dir+string(filepath.ListSeparator)+os.Getenv("PATH"))
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s\n%s", r.text, out)
	// What the output is said to have in each line, it has.
	for line := range strings.Lines(r.output) {
		label, _, _ := strings.Cut(strings.TrimSpace(line), "  ")
		isTime := regexp.MustCompile(`\d\d:\d\dZ$`).MatchString(label) // of a series
		if label != "..." && !isTime {
			assert.Contains(t, string(out), label, r.text)
		}
	}
	return string(out)
}

// kitchen is a directory with the files that recipes name.
func kitchen(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	log, err := smitest.Log("2*-1..11:500")
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "gpu.csv"), []byte(log), 0o644))
	require.NoError(t, os.CopyFS(dir, os.DirFS(filepath.Join("..", "..", "..", "testdata", "gate"))))
	text, err := os.ReadFile(filepath.Join("..", "..", "annotate", "testdata", "results", "inferencex.json"))
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "result.json"), text, 0o644))
	return dir
}

// TestRecipes executes the blocks that need nothing but files.
func TestRecipes(t *testing.T) {
	n := 0
	for _, r := range recipes(t) {
		if r.language != "sh" || r.waits() {
			continue
		}
		n++
		t.Run(r.section, func(t *testing.T) {
			dir := kitchen(t)
			out := r.run(t, dir)
			assert.NotContains(t, out, "not valid")
			assert.NotContains(t, out, "CANNOT JUDGE")
		})
	}
	assert.Equal(t, 3, n)
}

// TestRecipesAreKnown: a block is run by this test or the slow one, or it is a manifest of
// Kubernetes whose commands have the flags that this program has.
func TestRecipesAreKnown(t *testing.T) {
	manifests := 0
	for _, r := range recipes(t) {
		if r.language == "sh" {
			continue
		}
		require.Equal(t, "yaml", r.language, r.section)
		manifests++
		var job struct {
			APIVersion string `yaml:"apiVersion"`
			Kind       string `yaml:"kind"`
			Metadata   struct {
				Name string `yaml:"name"`
			} `yaml:"metadata"`
			Spec struct {
				Template struct {
					Spec struct {
						RestartPolicy string `yaml:"restartPolicy"`
						Containers    []struct {
							Name    string   `yaml:"name"`
							Image   string   `yaml:"image"`
							Command []string `yaml:"command"`
							Args    []string `yaml:"args"`
						} `yaml:"containers"`
					} `yaml:"spec"`
				} `yaml:"template"`
			} `yaml:"spec"`
		}
		require.NoError(t, yaml.Unmarshal([]byte(r.text), &job))
		assert.Equal(t, "batch/v1 Job", job.APIVersion+" "+job.Kind)
		assert.Equal(t, "Never", job.Spec.Template.Spec.RestartPolicy)
		require.Len(t, job.Spec.Template.Spec.Containers, 1)
		c := job.Spec.Template.Spec.Containers[0]
		assert.Equal(t, []string{"bash", "-euo", "pipefail", "-c"}, c.Command)
		require.Len(t, c.Args, 1)
		commands := 0
		for line := range strings.Lines(c.Args[0]) {
			if args, ours := strings.CutPrefix(strings.TrimSpace(line), "powertest "); ours {
				commands++
				words := shellWords(args)
				if words[0] == "gate" { // with one file, and not the two of a workflow
					words = append(words, "new.txt")
				}
				assert.NoError(t, parseable(t, words), line)
			}
		}
		assert.Equal(t, 2, commands)
	}
	assert.Equal(t, 1, manifests)
}
