package connect

import (
	"strings"
	"testing"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// What was connected to machines is closed, and stays so.
func TestCloseEndsConnections(t *testing.T) {
	t.Parallel()
	c := New(Options{})
	machine := c.connections.Machine(service.SSH{Address: "127.0.0.1", Port: 1, User: "nobody"})
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := machine.Run(t.Context(), "true", nil); err == nil || !strings.Contains(err.Error(), "the connections are closed") {
		t.Errorf("got %v", err)
	}
}
