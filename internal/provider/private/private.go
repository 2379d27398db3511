// Package private keeps what plans need to know beside the state, as JSON under one key of private state.
package private

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/hashicorp/terraform-plugin-framework/diag"
)

// key of this provider's private state.
const key = "deploy"

// Reader and Writer are the framework's private state.
type (
	Reader interface {
		GetKey(ctx context.Context, key string) ([]byte, diag.Diagnostics)
	}
	Writer interface {
		SetKey(ctx context.Context, key string, value []byte) diag.Diagnostics
	}
)

// Read is zero where nothing was kept. What another version of the provider wrote is read as far as it is known.
func Read[T any](ctx context.Context, from Reader) (kept T, diags diag.Diagnostics) {
	raw, diags := from.GetKey(ctx, key)
	if len(raw) == 0 || diags.HasError() {
		return kept, diags
	}
	if err := json.Unmarshal(raw, &kept); err != nil {
		diags.AddError("Private State Damaged", fmt.Sprintf("What this provider keeps beside the state cannot be read: %s. "+
			"Restore the state from a backup, or remove the object with `terraform state rm` and import it.", err))
	}
	return kept, diags
}

// Write keeps a value that encoding/json can write.
func Write(ctx context.Context, to Writer, value any) diag.Diagnostics {
	raw, err := json.Marshal(value)
	if err != nil {
		return diag.Diagnostics{diag.NewErrorDiagnostic("Provider Defect", fmt.Sprintf("Private state cannot be written: %s. Please report it.", err))}
	}
	return to.SetKey(ctx, key, raw)
}
