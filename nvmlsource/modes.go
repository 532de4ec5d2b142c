package nvmlsource

// Modes are settings of a GPU that matter to who measures it. Nil is unknown.
type Modes struct {
	// Persistence says that the driver stays loaded while no program uses the
	// GPU. If not, its counter may start again, and opening it takes seconds.
	Persistence *bool
	// MIG says that the GPU is divided into instances, which have no counters of
	// their own.
	MIG *bool
}
