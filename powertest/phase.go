package powertest

// Phase begins a phase of the benchmark, such as "prefill" or "decode", and
// returns the function that ends it. Its energy is reported as NAME-J/op,
// and how far that can be wrong as NAME-err-%.
//
// Phases of one name may overlap: the energy is that from when the first begins
// until the last ends, since a device cannot tell them apart. Phases of
// different names may overlap too; their energies then have a part in common.
// A phase that is not ended ends with the benchmark, and end may be called more
// than once. Both may be called from any goroutine. A phase that lasts for less
// than a few refresh periods of the counter in all is withheld, as a window is.
//
// A call of Phase allocates twice, some 50 bytes, and the first of a name more.
func (b *B) Phase(name string) (end func()) {
	end, err := b.line.begin(name)
	if err != nil {
		b.logOnce("phase "+name, "%v", err)
	}
	return end
}
