package service

import (
	"encoding/json"
	"slices"
	"time"
)

// Release is a service with one content, and what is needed to run, probe and judge it again later.
type Release struct {
	ID      ReleaseID `json:"id"`
	Content Content   `json:"content"`
	// Health is how its instances are probed.
	Health Health `json:"health"`
	// Placement is where it runs or ran; zero until it was placed.
	Placement Placement `json:"placement,omitzero"`
}

// Placement is where a release's instances are. It is recorded with the release, so that a changed service
// definition does not move what already runs.
type Placement struct {
	Release ReleaseID `json:"release"`
	Slot    string    `json:"slot"`
	// Instances in the order of the slot's ports.
	Instances []Instance `json:"instances"`
	// Platform is what the platform needs beside that, in a form of its own.
	Platform json.RawMessage `json:"platform,omitempty"`
}

// Placed tells whether the placement says anything.
func (p Placement) Placed() bool { return p.Slot != "" }

// Instance is one running copy of a release.
type Instance struct {
	// Name is unique within the service: "green/0".
	Name string `json:"name"`
	// Address is host:port, as the router and the checks reach it.
	Address string `json:"address"`
	// Host that it is on, by its name in the definition; empty where the platform has no hosts by name.
	Host string `json:"host,omitempty"`
}

// InstanceState is what an inspection saw of one instance.
type InstanceState struct {
	Instance
	// Running: the process is there and is the one that was started.
	Running bool `json:"running"`
	// Stopping: it runs, may still answer, and is about to be gone: somebody stops it, or who looks after it ends it. It is never set where
	// Running is not. Starting the release waits for its end, and starts it anew.
	Stopping bool `json:"stopping,omitempty"`
	// Unsupervised: it runs, and nobody would start it again if it died. Starting the release makes it whole again.
	Unsupervised bool `json:"unsupervised,omitempty"`
	// Release is what it runs; empty where that cannot be told.
	Release ReleaseID `json:"release,omitempty"`
	// Restarts counts how often it died and was started again since it was placed.
	Restarts int `json:"restarts,omitempty"`
	// Boot tells one start of its machine from another; empty where the platform does not.
	Boot string `json:"-"`
	// Detail says in words what is wrong: the exit status and when; empty if nothing is.
	Detail string `json:"detail,omitempty"`
}

// Runs tells whether it runs the release, be it to its end.
func (i InstanceState) Runs(r ReleaseID) bool { return i.Running && i.Release == r }

// Stays tells whether it runs the release, and is not about to be gone.
func (i InstanceState) Stays(r ReleaseID) bool { return i.Runs(r) && !i.Stopping }

// Snapshot is what the world looks like at one moment.
type Snapshot struct {
	// Instances that were looked at.
	Instances []InstanceState `json:"instances,omitempty"`
	// Weights by slot in whole percent; nil without a router.
	Weights map[string]int `json:"weights,omitempty"`
	TakenAt time.Time      `json:"taken_at"`
}

// Complete tells whether every one of release's instances runs it, and goes on to.
func (s Snapshot) Complete(r Release) bool {
	running := map[string]bool{}
	for _, i := range s.Instances {
		running[i.Name] = i.Stays(r.ID)
	}
	for _, i := range r.Placement.Instances {
		if !running[i.Name] {
			return false
		}
	}
	return r.Placement.Placed()
}

// Supervised tells whether the release is complete, and every one of its instances would be started again if it died.
func (s Snapshot) Supervised(r Release) bool {
	return s.Complete(r) && !slices.ContainsFunc(s.Instances, func(i InstanceState) bool { return i.Unsupervised && i.Release == r.ID })
}
