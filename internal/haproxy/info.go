package haproxy

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Version of HAProxy.
type Version struct {
	Major, Minor int
	// Text is all of it: "2.6.12-1+deb12u3".
	Text string
}

// AtLeast tells whether it is this version or a later one.
func (v Version) AtLeast(major, minor int) bool {
	return v.Major > major || v.Major == major && v.Minor >= minor
}

// Info is what a process says about itself.
type Info struct {
	// Name of the program, Node that of the machine or of the section global.
	Name, Node string
	Version    Version
	// Pid of the process, and when it Started, to a second: together they tell one process from the next.
	Pid     int
	Started time.Time
	Uptime  time.Duration
	// Stopping: it was told to end, and goes on only for the connections it still has.
	Stopping bool
}

// Info asks the process that answers now about itself.
func (c *Client) Info(ctx context.Context) (Info, error) {
	answers, err := c.Query(ctx, "show info")
	if err != nil {
		return Info{}, err
	}
	info, err := ParseInfo(answers[0])
	if err != nil {
		return Info{}, fmt.Errorf("%s: read what it says about itself: %w", c.name, err)
	}
	return info, nil
}

// ParseInfo reads the answer to `show info`.
func ParseInfo(text string) (Info, error) {
	fields := map[string]string{}
	for line := range strings.Lines(text) {
		if name, value, ok := strings.Cut(line, ":"); ok {
			fields[name] = strings.TrimSpace(value)
		}
	}
	info := Info{Name: fields["Name"], Node: fields["node"], Stopping: fields["Stopping"] == "1"}
	var err error
	number := func(name string) int64 {
		n, wrong := strconv.ParseInt(fields[name], 10, 64)
		if err == nil && (wrong != nil || n < 0 || n > 1<<40) {
			err = fmt.Errorf("%s is %q, and should be a number", name, bounded(fields[name]))
		}
		return n
	}
	info.Pid = int(number("Pid"))
	info.Uptime = time.Duration(number("Uptime_sec")) * time.Second
	if fields["Start_time_sec"] != "" {
		info.Started = time.Unix(number("Start_time_sec"), 0)
	}
	if err != nil {
		return Info{}, err
	}
	info.Version, err = ParseVersion(fields["Version"])
	return info, err
}

// ParseVersion reads "2.6.12-1+deb12u3".
func ParseVersion(text string) (Version, error) {
	wrong := fmt.Errorf("%q is no version of HAProxy", bounded(text))
	major, rest, ok := strings.Cut(text, ".")
	if !ok {
		return Version{}, wrong
	}
	end := strings.IndexFunc(rest, func(r rune) bool { return r < '0' || r > '9' })
	if end < 0 {
		end = len(rest)
	}
	v := Version{Text: text}
	var err, err2 error
	v.Major, err = strconv.Atoi(major)
	v.Minor, err2 = strconv.Atoi(rest[:end])
	if err != nil || err2 != nil || v.Major < 0 {
		return Version{}, wrong
	}
	return v, nil
}
