// Package filelock locks open files, which the system unlocks however a process ends.
package filelock

import "os"

// A Kind is how a file is locked.
type Kind int

const (
	// Shared locks do not exclude one another.
	Shared Kind = iota
	// Exclusive is a lock besides which there is no other.
	Exclusive
)

// Try locks an open file until it is closed, unless another does. Where the system or
// the file system has no locks, the error says so; that another holds the file is none.
func Try(f *os.File, kind Kind) (locked bool, err error) { return try(f, kind) }
