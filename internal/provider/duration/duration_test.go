package duration_test

import (
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/provider/duration"
)

func TestValidator(t *testing.T) {
	tests := map[string]struct {
		validator validator.String
		value     types.String
		// want is a part of the message; empty: accepted.
		want string
	}{
		"seconds":          {duration.Any(), types.StringValue("90s"), ""},
		"mixed":            {duration.Any(), types.StringValue("1h30m"), ""},
		"nothing":          {duration.Any(), types.StringValue("0s"), ""},
		"null":             {duration.AtLeast(time.Second), types.StringNull(), ""},
		"unknown":          {duration.AtLeast(time.Second), types.StringUnknown(), ""},
		"without a unit":   {duration.Any(), types.StringValue("90"), `such as "90s"`},
		"typo":             {duration.Any(), types.StringValue("5min"), `such as "90s"`},
		"days":             {duration.Any(), types.StringValue("1d"), `a day is "24h"`},
		"empty":            {duration.Any(), types.StringValue(""), "is not a duration"},
		"negative":         {duration.Any(), types.StringValue("-5s"), "without a sign"},
		"too short":        {duration.AtLeast(time.Second), types.StringValue("10ms"), `write "1s" or more`},
		"just long enough": {duration.AtLeast(time.Second), types.StringValue("1000ms"), ""},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			req := validator.StringRequest{Path: path.Root("pause"), ConfigValue: test.value}
			var resp validator.StringResponse
			test.validator.ValidateString(t.Context(), req, &resp)
			switch {
			case test.want == "" && resp.Diagnostics.HasError():
				t.Errorf("refused: %v", resp.Diagnostics)
			case test.want != "" && !resp.Diagnostics.HasError():
				t.Errorf("accepted, want an error with %q", test.want)
			case test.want != "":
				found, ok := resp.Diagnostics[0].(diag.DiagnosticWithPath)
				if !ok || !found.Path().Equal(path.Root("pause")) || !strings.Contains(found.Detail(), test.want) {
					t.Errorf("got %v, want one at pause with %q", resp.Diagnostics[0], test.want)
				}
			}
		})
	}
}

func TestToDuration(t *testing.T) {
	var diags diag.Diagnostics
	at := path.Root("pause")
	for _, test := range []struct {
		value types.String
		want  time.Duration
	}{
		{types.StringNull(), time.Minute},
		{types.StringUnknown(), time.Minute},
		{types.StringValue("5m"), 5 * time.Minute},
		{types.StringValue("0s"), 0},
	} {
		if got := duration.ToDuration(test.value, time.Minute, at, &diags); got.D() != test.want {
			t.Errorf("%s: got %s, want %s", test.value, got, test.want)
		}
	}
	if diags.HasError() {
		t.Errorf("unexpected errors: %v", diags)
	}
	duration.ToDuration(types.StringValue("soon"), time.Minute, at, &diags)
	if diags.ErrorsCount() != 1 {
		t.Errorf("got %d errors for a duration that cannot be read, want 1", diags.ErrorsCount())
	}
}
