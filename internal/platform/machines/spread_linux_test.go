package machines_test

import (
	"crypto/rand"
	"os"
	"strings"
	"testing"
)

// A release comes to a host that was added from one that has it, where its artifact is another file by now, or gone.
func TestReleaseComesFromAnotherHost(t *testing.T) {
	t.Parallel()
	g := newGround(t, asRoot, hosts(t, 2), 1)
	for version, lose := range map[string]func() error{
		"1.0.0": func() error { return os.WriteFile(g.reference.Path, []byte("#!/bin/sh\nexit 1\n"), 0o600) },
		"2.0.0": func() error { return os.Remove(g.reference.Path) },
	} {
		// More than is fetched at once, and nothing that a shell would print as it is.
		random := make([]byte, 9<<20)
		_, _ = rand.Read(random)
		g.artifact("#!/bin/sh\nexec " + instanceProgram + " " + asInstance + " \"$@\"\n" + string(random))
		r := g.release(version)
		full, err := g.Placement(r, "blue")
		g.ok(err)
		r.Placement = full
		r.Placement.Instances = full.Instances[:1]
		g.placed(r, "blue")
		g.ok(lose())
		r.Placement = full
		g.placed(r, "blue")
		g.started(r, nil)
		for _, h := range g.hosts {
			if out := h.Run(t, "sha256sum "+g.definition.Directory+"/releases/"+r.ID.Label()+"/web"); "sha256:"+strings.Fields(out)[0] != g.reference.Digest {
				t.Errorf("%s has %s", h.Name, out)
			}
		}
		g.ok(g.Stop(t.Context(), r.Placement))
	}
	// Where no host has it, that is said, with what to do.
	g.artifact("#!/bin/sh\nexit 2\n")
	r := g.release("3.0.0")
	g.ok(os.Remove(g.reference.Path))
	_, err := g.Place(t.Context(), r, "green")
	if err == nil {
		t.Fatal("placed what is nowhere")
	}
	g.contains(err.Error(), "no other host keeps it", g.reference.Digest, "back at "+g.reference.Path)
}
