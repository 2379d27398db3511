package story

// OnMachines is what comes after Chapters where there are several hosts and routers.
var OnMachines = []Chapter{
	{
		Name: "router reloaded", Version: "v7", Amid: ReloadRouter, Want: Succeeded, Running: "v7",
		About: "a good release, and one of the two HAProxy is reloaded while it takes traffic: the split stays",
	},
	{
		Name: "host rebooted", Version: "v8", Amid: RebootHost, Want: Restored, FailsAt: "traffic_split", Running: "v7", Leaving: "v8",
		About: "a good release again, and one of the three hosts is rebooted while it takes traffic, and is away for longer than the release waits",
	},
	{
		Name: "host down", Version: "v8", Before: HostDown, After: HostUp, Want: Refused, Running: "v7",
		Warns: []string{"host c"}, Says: []string{"Preflight Failed", "host c"},
		About: "one of the three hosts is off before the start: the plan warns, and nothing is begun",
	},
	{
		Name: "host back", Version: "v8", Want: Succeeded, Running: "v8",
		About: "the host is on again, and the same HCL is applied once more",
	},
}
