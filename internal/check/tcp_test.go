package check_test

import (
	"testing"
	"time"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/component"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

func TestTCP(t *testing.T) {
	open, closed := serve(t, answering(200, "")), component.Refusing(t)
	tcp := func(address string) service.Check {
		return service.Check{TCP: &service.TCPCheck{Address: address, Timeout: 30 * second, Retries: 1, Interval: service.Duration(time.Millisecond)}}
	}
	wantPass(t, run(t, tcp(open), target()), open+" accepted")
	wantFail(t, run(t, tcp(closed), target()), "no connection to "+closed, "asked 2 times")
	wantPass(t, run(t, tcp(""), target(open, open)), "accepted")
	wantFail(t, run(t, tcp(""), target(open, closed)), "no connection to "+closed)
}
