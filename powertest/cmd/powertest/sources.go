package main

import (
	// Sources that are opened by name.
	_ "github.com/joulebench/joulebench/amdsource"
	_ "github.com/joulebench/joulebench/dcgmsource"
	_ "github.com/joulebench/joulebench/intelsource"
	_ "github.com/joulebench/joulebench/nvmlsource"
	_ "github.com/joulebench/joulebench/promsource"
	_ "github.com/joulebench/joulebench/raplsource"
	_ "github.com/joulebench/joulebench/simsource"
	_ "github.com/joulebench/joulebench/smisource"
	_ "github.com/joulebench/joulebench/trtllmsource"
	_ "github.com/joulebench/joulebench/zeusdsource"
)
