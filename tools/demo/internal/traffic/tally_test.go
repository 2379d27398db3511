package traffic_test

import (
	"slices"
	"testing"
	"time"

	"github.com/progressive-delivery/terraform-provider-deploy/tools/demo/internal/traffic"
)

const v5 = "production/web/v5-0123abcd"

func at(ms int) time.Time { return time.UnixMilli(int64(1_000_000 + ms)) }

func TestCount(t *testing.T) {
	records := []traffic.Record{
		{Ended: at(1), Status: 200, Release: v2},
		{Ended: at(5), Status: 500, Release: v5},
		{Ended: at(3), Status: 500, Release: v5}, // logs are in the order of keeping, which may differ a little
		{Ended: at(4), Status: 200, Release: v5},
		{Ended: at(6), Status: 502},
		{Ended: at(7), Error: "connection refused"},
		{Ended: at(8), Status: 500, Release: v2},
		{Ended: at(9), Status: 503, Release: v5},
	}
	got := traffic.Count(records, "v5")
	if got.Requests != 8 || got.Lost != 2 || got.Bad != 3 || got.BadFor != 6*time.Millisecond || got.Unexpected != 1 {
		t.Errorf("counted %+v, want 8 requests, 2 lost, 3 bad within 6ms, 1 unexpected", got)
	}
	if got := traffic.Count(records, ""); got.Bad != 0 || got.BadFor != 0 || got.Unexpected != 4 {
		t.Errorf("without a bad release counted %+v, want 4 unexpected errors", got)
	}
	if got := traffic.Versions(records); !slices.Equal(got, []string{"v2", "v5"}) {
		t.Errorf("versions %v, want v2 and v5", got)
	}
	if got := traffic.AnswersOf(records, "v5"); got != 4 {
		t.Errorf("%d answers of v5, want 4", got)
	}
	if last, found := traffic.LastAnswer(records, "v5"); !found || !last.Equal(at(9)) {
		t.Errorf("the last answer of v5 is at %v, %v, want %v", last, found, at(9))
	}
	if _, found := traffic.LastAnswer(records, "v3"); found {
		t.Error("v3 gave an answer, and there is none")
	}
}
