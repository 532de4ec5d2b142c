package metricname

import "time"

// amdExporter is AMD's device-metrics-exporter, which reads at each scrape. Its metrics
// have any prefix (MetricsFieldPrefix), and those of one GPU a new series with each pod or
// job. A serial number can be that of several devices; on a server it is one with the
// number of the GPU, which stays where it is.
var amdExporter = Exporter{
	Name:   "AMD's device-metrics-exporter",
	Vendor: "amd",
	UUID:   []string{"gpu_uuid"},
	Place:  []string{"serial_number", "hostname", InstanceLabel},
	Local:  []string{"gpu_id"},
	Index:  []string{"gpu_id"},
	Model:  []string{"card_series", "card_model"},
	Host:   []string{"hostname"},
	Driver: []string{"driver_version"},
	Tenants: append(pods[:len(pods):len(pods)],
		Tenant{What: "job", Key: "job_id", Name: []string{"job_id"}}),
	Lists:  true,
	Period: 100 * time.Millisecond,
	// A value that is 0 at the exporter's first look is not read again until it is started
	// anew, and partitions other than the first have 0.
	blank: func(_ Kind, raw float64) bool { return raw == 0 },
}

// wholeAMD reports whether a row is of a whole GPU: the sensors are those of the first of
// its partitions.
func wholeAMD(get Labels) bool {
	if get("gpu_id") == "" || get("card_model") == "" && get("card_series") == "" && get("serial_number") == "" {
		return false // another exporter's metric, with a name that ends so
	}
	return is("gpu_partition_id", "", "0", "NA")(get)
}
