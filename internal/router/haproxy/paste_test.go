package haproxy_test

import (
	"fmt"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/haproxy/haproxytest"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/router/haproxy"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// pasted is a stand whose haproxy.cfg can be changed by what an error says.
type pasted struct {
	*stand
	config string
}

// newPasted runs HAProxy with these servers, and its router with these names.
func newPasted(t *testing.T, f form, blue, green service.Placement, lines []haproxytest.Line, servers map[string][]string) *pasted {
	t.Helper()
	p := &pasted{}
	server := haproxytest.Start(t, func(s *haproxytest.Server) string {
		if p.stand == nil {
			p.config = haproxytest.Split(s, haproxytest.Backend{Servers: lines, Options: f.options, StateFile: f.stateFile})
		}
		return p.config
	})
	p.stand = &stand{form: f, blue: blue, green: green, servers: []*haproxytest.Server{server}}
	d := f.definition(deadline, server)
	d.Servers = servers
	p.define(t, d)
	return p
}

func (p *pasted) define(t *testing.T, d service.HAProxyRouter) {
	t.Helper()
	r, err := haproxy.New(d, "production/web", []string{"blue", "green"}, func(string) haproxy.Access { return haproxy.Access{Dial: p.dial(0)} })
	if err != nil {
		t.Fatal(err)
	}
	p.Router = r
}

var serverLine = regexp.MustCompile(`(?m)^ +server (\S+) .*$`)

// paste puts what a text says into haproxy.cfg as a reader would, exactly: lines of servers that are there take the place of those.
func (p *pasted) paste(text string) {
	section := ""
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\n")
		if !strings.HasPrefix(line, "    ") {
			section = line
			continue
		}
		if m := serverLine.FindStringSubmatch(line); m != nil {
			replaced := false
			p.config = serverLine.ReplaceAllStringFunc(p.config, func(old string) string {
				if serverLine.FindStringSubmatch(old)[1] != m[1] {
					return old
				}
				replaced = true
				return line
			})
			if replaced {
				continue
			}
		}
		switch {
		case section == "global" || section == "defaults":
			if !strings.Contains(p.config, strings.TrimSpace(line)) && section == "global" {
				p.config = section + "\n" + line + "\n" + p.config
			}
		case strings.Contains(p.config, "backend web\n"):
			p.config += line + "\n" // the backend is at the end
		default:
			p.config += "backend web\n" + line + "\n"
		}
	}
}

// watch asks again and again until its end, and says then which answers there were.
func (p *pasted) watch(t *testing.T) (end func() map[string]int) {
	t.Helper()
	var done atomic.Bool
	answers := make(chan map[string]int)
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: deadline}
	var asked atomic.Int64
	go func() {
		seen := map[string]int{}
		for !done.Load() {
			response, err := client.Get(p.servers[0].URL) //nolint:noctx // the client has a timeout
			if err != nil {
				seen[err.Error()]++
				continue
			}
			body, _ := io.ReadAll(response.Body)
			_ = response.Body.Close()
			seen[fmt.Sprintf("%d %.20s", response.StatusCode, body)]++
			asked.Add(1)
		}
		answers <- seen
	}()
	return func() map[string]int {
		// Some more after what was done.
		for from, until := asked.Load(), time.Now().Add(deadline); asked.Load() < from+50 && time.Now().Before(until); {
			time.Sleep(time.Millisecond)
		}
		done.Store(true)
		return <-answers
	}
}

// on names the hosts that instances are on.
func on(p service.Placement, hosts ...string) service.Placement {
	p.Instances = slices.Clone(p.Instances)
	for i, host := range hosts {
		p.Instances[i].Host, p.Instances[i].Name = host, fmt.Sprintf("%s/%s/0", p.Slot, host)
	}
	return p
}

// first has the first n instances of p.
func first(p service.Placement, n int) service.Placement {
	p.Instances = p.Instances[:n:n]
	return p
}

// slotLines are servers of haproxy.cfg called by form, which has a slot and a host or number.
func slotLines(p service.Placement, form string, options string, parts ...string) []haproxytest.Line {
	var lines []haproxytest.Line
	for i, part := range parts {
		lines = append(lines, haproxytest.Line{Name: fmt.Sprintf(form, p.Slot, part), Address: p.Instances[i].Address, Weight: 1, Options: options})
	}
	return lines
}

// TestPaste: what an error says is pasted as it stands, HAProxy is reloaded, and nobody sees it; then Check is satisfied, and the new servers
// get their share.
func TestPaste(t *testing.T) {
	for name, c := range map[string]struct {
		form  string
		parts []string
		hosts []string
		added string
		// names that `servers` has for both slots.
		named bool
	}{
		"by hosts":              {"%s-%s", []string{"a", "b", "c"}, []string{"a", "b", "c", "d"}, "%s-d", false},
		"by hosts in front":     {"%[2]s_%[1]s", []string{"a", "b", "c"}, []string{"a", "b", "c", "d"}, "d_%s", true},
		"by numbers":            {"%s-%s", []string{"0", "1", "2"}, []string{"a", "b", "c", "d"}, "%s-3", false},
		"by numbers from one":   {"%s%s", []string{"01", "02", "03"}, []string{"a", "b", "c", "d"}, "%s04", false},
		"no hosts":              {"%s_%s", []string{"1", "2"}, []string{"", "", ""}, "%s_3", false},
		"one before":            {"%s%s", []string{""}, []string{"a", "b"}, "%s-b", false},
		"named, without a slot": {"x%s%s", []string{"1", "2"}, []string{"a", "b", "c"}, "x%s3", true},
	} {
		for _, stateFile := range []bool{true, false} {
			for _, green := range []int{0, 100, 25} {
				if name != "by hosts" && green != 100 {
					continue // names have nothing to do with it
				}
				t.Run(fmt.Sprintf("%s, state file %v, green %d", name, stateFile, green), func(t *testing.T) {
					t.Parallel()
					n := len(c.hosts)
					blue, greens := on(instances(t, "blue", n), c.hosts...), on(instances(t, "green", n), c.hosts...)
					var names map[string][]string
					lines := slices.Concat(slotLines(blue, c.form, "", c.parts...), slotLines(greens, c.form, "disabled", c.parts...))
					if c.named {
						names = map[string][]string{}
						for i, line := range lines {
							slot := []string{"blue", "green"}[i/len(c.parts)]
							names[slot] = append(names[slot], line.Name)
						}
					}
					p := newPasted(t, form{options: checked, stateFile: stateFile}, first(blue, n-1), first(greens, n-1), lines, names)
					p.set(t, p.split(green))
					p.blue, p.green = blue, greens
					err := p.Check(t.Context(), p.split(green).Placements)
					for i, slot := range []string{"blue", "green"} {
						added := fmt.Sprintf(c.added, slot)
						wantError(t, err, "server "+added+" "+[]service.Placement{blue, greens}[i].Instances[n-1].Address+" check disabled\n")
						if c.named {
							names[slot] = append(names[slot], added)
							wantError(t, err, fmt.Sprintf(`"%s"]`, added), "servers")
						}
					}
					if inTheirPlace := stateFile || green == 0; inTheirPlace == strings.Contains(err.Error(), "in place of") {
						t.Errorf("the error is %q", err)
					}
					end := p.watch(t)
					p.paste(err.Error())
					p.servers[0].Reload(t)
					p.want(t, green)
					if got := p.server(t, 0, fmt.Sprintf(c.added, "green")); !got.Admin.Maint() {
						t.Errorf("the new server may take requests before its instance is there: %+v", got)
					}
					if seen := end(); len(seen) != map[bool]int{true: 2, false: 1}[green == 25] || seen["200 blue"] == 0 && green < 100 || seen["200 green"] == 0 && green > 0 {
						t.Errorf("green has %d %%, and the answers are %v\n%s", green, seen, err)
					}
					if c.named {
						d := p.definition(deadline, p.servers...)
						d.Servers = names
						p.define(t, d)
					}
					if err := p.Check(t.Context(), p.split(green).Placements); err != nil {
						t.Fatal(err)
					}
					p.set(t, p.split(100))
					if got := p.server(t, 0, fmt.Sprintf(c.added, "green")); !got.Eligible() || got.Weight == 0 {
						t.Errorf("the new server has nothing: %+v", got)
					}
					p.want(t, 100)
				})
			}
		}
	}
}

// TestPasteOfOtherPorts: a slot whose ports changed, or whose servers are to be named, while the other has the traffic.
func TestPasteOfOtherPorts(t *testing.T) {
	for _, stateFile := range []bool{true, false} {
		t.Run(fmt.Sprintf("state file %v", stateFile), func(t *testing.T) {
			before, green := on(instances(t, "blue", 2), "a", "b"), on(instances(t, "green", 2), "a", "b")
			lines := slices.Concat(slotLines(before, "%s-%s", "", "a", "b"), slotLines(green, "%s-%s", "disabled", "a", "b"))
			p := newPasted(t, form{options: checked, stateFile: stateFile}, before, green, lines, nil)
			p.set(t, p.split(100))
			p.blue = on(instances(t, "blue", 2), "a", "b")
			err := p.Check(t.Context(), p.split(100).Placements)
			for i, host := range []string{"a", "b"} {
				address := p.blue.Instances[i].Address
				wantError(t, err, fmt.Sprintf("server blue-%s-%s %s check disabled\n", host, address[strings.LastIndex(address, ":")+1:], address))
			}
			end := p.watch(t)
			p.paste(err.Error())
			p.servers[0].Reload(t)
			if seen := end(); len(seen) != 1 || seen["200 green"] == 0 {
				t.Errorf("the answers are %v\n%s", seen, err)
			}
			if err := p.Check(t.Context(), p.split(100).Placements); err != nil {
				t.Fatal(err)
			}
			p.set(t, p.split(0))
			for _, name := range []string{"blue-a", "blue-b"} {
				if got := p.server(t, 0, name); !got.Admin.Maint() {
					t.Errorf("the server at the old port has something: %+v", got)
				}
			}
		})
	}
}

// TestPasteIntoNothing: where there is no server of ours, or no backend, the whole of it is told, with the traffic in the slot that is to
// have it, and each line is one that HAProxy takes.
func TestPasteIntoNothing(t *testing.T) {
	for _, absent := range []bool{false, true} {
		for _, stateFile := range []bool{true, false} {
			t.Run(fmt.Sprintf("no backend %v, state file %v", absent, stateFile), func(t *testing.T) {
				blue, green := on(instances(t, "blue", 2), "a", "b"), on(instances(t, "green", 2), "a", "b")
				p := newPasted(t, form{options: checked, stateFile: stateFile}, blue, green, nil, nil)
				if absent {
					p.config = strings.NewReplacer("backend web\n", "backend old\n", "default_backend web\n", "default_backend old\n").Replace(p.config)
					p.servers[0].Reload(t)
				}
				empty := blue
				empty.Release = ""
				placements := []service.Placement{green, empty}
				err := p.Check(t.Context(), placements)
				wantError(t, err, "server green-b "+green.Instances[1].Address+" check", "server blue-a "+blue.Instances[0].Address+" check disabled\n")
				p.paste(err.Error())
				p.config = strings.ReplaceAll(p.config, "default_backend old\n", "default_backend web\n")
				p.servers[0].Reload(t)
				end := p.watch(t)
				if err := p.Check(t.Context(), placements); err != nil {
					t.Errorf("%v\n%s", err, p.config)
				}
				p.want(t, 100)
				if seen := end(); len(seen) != 1 || seen["200 green"] == 0 {
					t.Errorf("the answers are %v\n%s", seen, err)
				}
			})
		}
	}
}

// TestPasteOfOneSlot: where nothing is known of the other slot, the lines of the one are enough for what is to come to it.
func TestPasteOfOneSlot(t *testing.T) {
	blue := on(instances(t, "blue", 2), "a", "b")
	p := newPasted(t, form{options: checked}, blue, service.Placement{}, nil, nil)
	err := p.Check(t.Context(), []service.Placement{blue})
	wantError(t, err, "server blue-a "+blue.Instances[0].Address+" check\n", "# and a server for each instance of slot green")
	p.paste(err.Error())
	p.servers[0].Reload(t)
	if err := p.Check(t.Context(), []service.Placement{blue}); err != nil {
		t.Error(err)
	}
	if err := p.Check(t.Context(), []service.Placement{blue, {Slot: "green", Instances: blue.Instances}}); err == nil {
		t.Error("a slot without a server is said to have one")
	}
}

// TestPasteForNames: a name in `servers` that haproxy.cfg does not have is that of the server that is missing, or wrong.
func TestPasteForNames(t *testing.T) {
	blue, green := on(instances(t, "blue", 2), "a", "b"), on(instances(t, "green", 2), "a", "b")
	lines := append(slotLines(blue, "%s-%s", "", "a", "b"), slotLines(first(green, 1), "%s-%s", "disabled", "a")...)
	p := newPasted(t, form{options: checked}, blue, green, lines, map[string][]string{"green": {"green-a", "mint"}})
	err := p.Check(t.Context(), p.split(0).Placements)
	wantError(t, err, "server mint "+green.Instances[1].Address+" check disabled\n", "Or correct `servers`")
	if strings.Contains(err.Error(), "server green-a ") || strings.Contains(err.Error(), "server blue") {
		t.Errorf("lines are given that are there already: %s", err)
	}
	p.paste(err.Error())
	p.servers[0].Reload(t)
	if err := p.Check(t.Context(), p.split(0).Placements); err != nil {
		t.Error(err)
	}
}
