// Package limits knows the settings of systemd that bound what a service takes, and which values of them are plainly wrong.
package limits

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/suggest"
)

// limit is a setting that bounds what a service takes.
type limit struct {
	// wrong says what is plainly wrong with a value; empty: nothing that can be told without a machine. nil: values are left to systemd there.
	wrong func(value string) string
}

var (
	free = limit{}
	// Of memory systemd takes 0 for nothing where it protects, and for a mistake where it bounds.
	protected = limit{func(value string) string { return wrongMemory(value, true) }}
	bounded   = limit{func(value string) string { return wrongMemory(value, false) }}
	counted   = limit{wrongCount}
	weighed   = limit{wrongWeight}
)

// known are the settings that systemd.resource-control(5) has for services, those of systemd.exec(5) that bound a process or give it its turn
// on a processor or disk, and OOMPolicy of systemd.service(5), in systemd 258. What an older one does not know is told where it runs.
var known = map[string]limit{
	"MemoryMin": protected, "MemoryLow": protected, "StartupMemoryLow": protected, "DefaultMemoryMin": protected, "DefaultMemoryLow": protected,
	"DefaultStartupMemoryLow": protected, "MemoryHigh": bounded, "StartupMemoryHigh": bounded, "MemoryMax": bounded, "StartupMemoryMax": bounded,
	"MemorySwapMax": protected, "StartupMemorySwapMax": protected, "MemoryZSwapMax": protected, "StartupMemoryZSwapMax": protected,
	"MemoryZSwapWriteback": free, "MemoryAccounting": free, "MemoryPressureWatch": free, "MemoryPressureThresholdSec": free, "MemoryKSM": free,
	"AllowedMemoryNodes": free, "StartupAllowedMemoryNodes": free, "ManagedOOMSwap": free, "ManagedOOMMemoryPressure": free,
	"ManagedOOMMemoryPressureLimit": free, "ManagedOOMMemoryPressureDurationSec": free, "ManagedOOMPreference": free,

	"CPUAccounting": free, "CPUWeight": {wrongCPUWeight}, "StartupCPUWeight": {wrongCPUWeight}, "CPUQuota": {wrongQuota}, "CPUQuotaPeriodSec": free,
	"AllowedCPUs": free, "StartupAllowedCPUs": free, "CPUPressureWatch": free, "CPUPressureThresholdSec": free,
	"CPUSchedulingPolicy": free, "CPUSchedulingPriority": free, "CPUSchedulingResetOnFork": free, "CPUAffinity": free,
	"NUMAPolicy": free, "NUMAMask": free, "Nice": {within(-20, 19)},

	"IOAccounting": free, "IOWeight": weighed, "StartupIOWeight": weighed, "IODeviceWeight": free, "IOReadBandwidthMax": free,
	"IOWriteBandwidthMax": free, "IOReadIOPSMax": free, "IOWriteIOPSMax": free, "IODeviceLatencyTargetSec": free, "IOPressureWatch": free,
	"IOPressureThresholdSec": free, "IOSchedulingClass": free, "IOSchedulingPriority": free,

	"TasksAccounting": free, "TasksMax": {wrongTasks},

	"IPAccounting": free, "IPAddressAllow": free, "IPAddressDeny": free, "IPIngressFilterPath": free, "IPEgressFilterPath": free, "BPFProgram": free,
	"SocketBindAllow": free, "SocketBindDeny": free, "RestrictNetworkInterfaces": free, "BindNetworkInterface": free, "NFTSet": free,
	"DeviceAllow": free, "DevicePolicy": free, "Slice": free, "Delegate": free, "DelegateSubgroup": free, "DisableControllers": free,
	"CoredumpReceive": free, "OOMScoreAdjust": {within(-1000, 1000)}, "OOMPolicy": {oneOf("continue", "stop", "kill")},

	"LimitCPU": free, "LimitFSIZE": free, "LimitDATA": free, "LimitSTACK": free, "LimitCORE": free, "LimitRSS": free, "LimitNOFILE": counted,
	"LimitAS": free, "LimitNPROC": counted, "LimitMEMLOCK": free, "LimitLOCKS": counted, "LimitSIGPENDING": counted, "LimitMSGQUEUE": free,
	"LimitNICE": free, "LimitRTPRIO": counted, "LimitRTTIME": free,

	// What came before these, which systemd obeyed until 258.
	"MemoryLimit": bounded, "CPUShares": free, "StartupCPUShares": free, "BlockIOAccounting": free, "BlockIOWeight": free,
	"StartupBlockIOWeight": free, "BlockIODeviceWeight": free, "BlockIOReadBandwidth": free, "BlockIOWriteBandwidth": free,
}

// Problem says what is wrong with a limit, and what to write; empty: nothing that can be told without a machine.
func Problem(name, value string) string {
	limit, found := known[name]
	switch {
	case !found:
		return fmt.Sprintf("%q is no limit of systemd: write %s; other settings go into drop_ins", name, meant(name))
	case unfit(value):
		return fmt.Sprintf("%q is no value for %s", value, name)
	case limit.wrong != nil:
		if remedy := limit.wrong(strings.TrimSpace(value)); remedy != "" {
			return fmt.Sprintf("%q is no value for %s, systemd would go on without it: write %s", value, name, remedy)
		}
	}
	return ""
}

// Safe tells whether a limit stays one in a unit, whether systemd knows it or not.
func Safe(name, value string) bool {
	_, found := known[name]
	return (found || pattern.MatchString(name)) && !unfit(value)
}

// pattern is what a name had to look like before there was a list of them: ledgers may have others of the kind.
var pattern = regexp.MustCompile(`^(Limit[A-Z]+|(Memory|CPU|IO|Tasks|Startup|Allowed)[A-Z][A-Za-z]*)$`)

// unfit is what would become nothing, or more than a value.
func unfit(value string) bool { return value == "" || strings.ContainsAny(value, "\n\r\x00\\") }

// meant is the name that somebody may have had in mind.
func meant(name string) string {
	names := slices.Sorted(maps.Keys(known))
	if n := slices.IndexFunc(names, func(one string) bool { return strings.EqualFold(one, name) }); n >= 0 {
		return names[n]
	}
	if near := suggest.Names(name, names); len(near) > 0 {
		return near[0]
	}
	return "one such as MemoryMax, CPUQuota, TasksMax or LimitNOFILE"
}
