// Package dcgmtest is a dcgm-exporter whose GPUs are simulated, for tests of
// programs that scrape real ones. It is not for anything but tests: its counters
// measure nothing.
//
// An [Exporter] is an [http.Handler] that answers as the real one does, byte by
// byte: the metrics of the default configuration, their groups in an order that
// changes from page to page, no time stamps, no compression, label values that
// are not escaped. And it is late as the real one is. A page shows what was
// collected last, every Config.Collect (30 s, unless an exporter was started
// with -c), however often it is asked for; and what is collected is what the
// driver's counter showed then, which changes every Config.Refresh.
//
// The energy is that of a [simsource.Source], which knows the true energy of any
// stretch of time:
//
//	sim := simsource.New(simsource.Config{GPUs: 8})
//	exporter := dcgmtest.New(dcgmtest.Config{Source: sim, Collect: time.Second})
//	server := httptest.NewServer(exporter)
//	// ... scrape server.URL + "/metrics" while sim.Busy
//
// Nothing runs in the background and time comes from [time.Now], so that in a
// testing/synctest bubble everything is exact; [Transport] connects a client to
// exporters there, without sockets.
//
// Things go wrong when a test says so: see the methods of [Exporter].
package dcgmtest
