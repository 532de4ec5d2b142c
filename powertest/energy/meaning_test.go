package energy

import (
	"go/ast"
	"go/parser"
	"go/token"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestReasonsMeanWhatTheirDocsSay: the text of a reason is its doc comment, of each there is
// one, and both say whether the number is withheld.
func TestReasonsMeanWhatTheirDocsSay(t *testing.T) {
	f, err := parser.ParseFile(token.NewFileSet(), "reason.go", nil, parser.ParseComments)
	require.NoError(t, err)
	var documented []Reason
	ast.Inspect(f, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok {
			return true
		}
		if kind, typed := spec.Type.(*ast.Ident); !typed || kind.Name != "Reason" {
			return true
		}
		code, err := strconv.Unquote(spec.Values[0].(*ast.BasicLit).Value)
		require.NoError(t, err)
		doc := strings.NewReplacer("\n", " ", "[", "", "]", "").Replace(strings.TrimSpace(spec.Doc.Text()))
		r := Reason(code)
		assert.Equal(t, doc, spec.Names[0].Name+": "+r.Means())
		assert.Equal(t, !strings.Contains(r.Means(), "Marked"), r.Withholds(), code)
		documented = append(documented, r)
		return true
	})
	assert.Equal(t, documented, Reasons())
	assert.Empty(t, Reason("of another package").Means())
	assert.True(t, Reason("of another package").Withholds())
}
