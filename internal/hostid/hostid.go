// Package hostid names a machine in the identities of devices that have none of their own.
package hostid

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"path/filepath"
	"strings"

	"github.com/joulebench/joulebench/internal/inputfile"
)

// Of returns what distinguishes the machine whose files are below a root from others, in
// 12 hexadecimal digits; empty if that is not known. An empty root is /. It comes from /etc/machine-id, which
// is not to be shown to others, and so is not shown itself.
func Of(root string) string {
	const longest = 256
	id, err := inputfile.ReadFile(filepath.Join(cmp.Or(root, "/"), "etc", "machine-id"), longest)
	text := strings.TrimSpace(string(id))
	if err != nil || text == "" || text == "uninitialized" {
		return ""
	}
	sum := sha256.Sum256([]byte("joulebench device " + text))
	return hex.EncodeToString(sum[:6])
}
