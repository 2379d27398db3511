package delivery

import (
	"strings"
	"testing"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/analysis"
)

func TestLooksOverTheLimitAreCounted(t *testing.T) {
	t.Parallel()
	for n, want := range map[int]string{1: "; 1 look over the limit", 2: "; 2 looks over the limit"} {
		j := &judge{last: analysis.Verdict{Judgements: []analysis.Judgement{{Rule: "errors", Failures: n}}}}
		if got := j.evidence()[0]; !strings.HasSuffix(got, want) {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
