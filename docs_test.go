package joulebench_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestDocsNameTests: a test that a page of docs names is there.
func TestDocsNameTests(t *testing.T) {
	known := map[string]bool{}
	function := regexp.MustCompile(`(?m)^func (Test\w+)\(`)
	require.NoError(t, filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		code, err := os.ReadFile(path)
		for _, m := range function.FindAllStringSubmatch(string(code), -1) {
			known[m[1]] = true
		}
		return err
	}))
	pages, err := filepath.Glob("docs/*.md")
	require.NoError(t, err)
	require.NotEmpty(t, pages)
	pages = append(pages, "README.md")
	name := regexp.MustCompile(`\bTest[A-Z]\w+`)
	for _, page := range pages {
		text, err := os.ReadFile(page)
		require.NoError(t, err)
		for _, test := range name.FindAllString(string(text), -1) {
			assert.True(t, known[test], "%s names %s, which is no test", page, test)
		}
	}
}

// TestDocsLinks: a link of a page to a file or a heading of this repository leads there.
func TestDocsLinks(t *testing.T) {
	pages, err := filepath.Glob("docs/*.md")
	require.NoError(t, err)
	link := regexp.MustCompile(`\]\(([^)\s]+)\)`)
	for _, page := range append(pages, "README.md", "CONTRIBUTING.md") {
		text, err := os.ReadFile(page)
		require.NoError(t, err)
		for _, m := range link.FindAllStringSubmatch(string(text), -1) {
			if strings.Contains(m[1], "://") {
				continue
			}
			path, anchor, _ := strings.Cut(m[1], "#")
			target := page
			if path != "" {
				target = filepath.Join(filepath.Dir(page), path)
			}
			if _, err := os.Stat(target); !assert.NoError(t, err, "%s links to %s", page, m[1]) || anchor == "" {
				continue
			}
			there, err := os.ReadFile(target)
			require.NoError(t, err)
			assert.Contains(t, anchors(string(there)), anchor, "%s links to %s", page, m[1])
		}
	}
}

// anchors are the names that GitHub gives the headings of a page.
func anchors(page string) (list []string) {
	for _, m := range regexp.MustCompile(`(?m)^#+ (.*)$`).FindAllStringSubmatch(page, -1) {
		name := strings.ReplaceAll(strings.ToLower(m[1]), " ", "-")
		list = append(list, regexp.MustCompile("[^a-z0-9_-]").ReplaceAllString(name, ""))
	}
	return list
}

// TestReadmeIsShort: what is reference goes to docs, so that the README is read.
func TestReadmeIsShort(t *testing.T) {
	text, err := os.ReadFile("README.md")
	require.NoError(t, err)
	assert.LessOrEqual(t, strings.Count(string(text), "\n"), 275)
}

// TestDocsArePinned: nothing is got as what is newest, which would be another thing each day.
func TestDocsArePinned(t *testing.T) {
	pages, err := filepath.Glob("docs/*.md")
	require.NoError(t, err)
	for _, page := range append(pages, "README.md", "CONTRIBUTING.md", "powertest/doc.go", "powertest/cmd/powertest/doc.go") {
		text, err := os.ReadFile(page)
		require.NoError(t, err)
		assert.NotContains(t, string(text), "@latest", page)
	}
}

// TestReleaseNotes: the changelog has a dated section for the version that the README tells how to
// get, which is what a release publishes.
func TestReleaseNotes(t *testing.T) {
	readme, err := os.ReadFile("README.md")
	require.NoError(t, err)
	version := regexp.MustCompile(`joulebench@v(\d+\.\d+\.\d+)`).FindSubmatch(readme)
	require.NotNil(t, version)
	changes, err := os.ReadFile("CHANGELOG.md")
	require.NoError(t, err)
	assert.Regexp(t, `(?m)^## \[`+regexp.QuoteMeta(string(version[1]))+`\] - \d{4}-\d{2}-\d{2}\n\n\S`, string(changes))
}
