//go:build !unix

package inputfile

// NoWait is a flag of [os.OpenFile] that matters on other systems.
const NoWait = 0
