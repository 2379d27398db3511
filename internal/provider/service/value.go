package service

import (
	"context"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/provider/engine"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/provider/plain"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// text that is written, or fallback.
func text(value types.String, fallback string) string {
	if value.IsNull() || value.IsUnknown() {
		return fallback
	}
	return value.ValueString()
}

// texts of a map by key, nil where there are none. One that is null is not written.
func texts(m types.Map) map[string]string {
	var out map[string]string
	for name, value := range m.Elements() {
		s, is := value.(types.String)
		if !is || s.IsNull() {
			continue
		}
		if out == nil {
			out = map[string]string{}
		}
		out[name] = s.ValueString()
	}
	return out
}

// element of a collection of objects; found is false where it is null or unknown.
func element[T any](ctx context.Context, value attr.Value, diags *diag.Diagnostics) (out T, found bool) {
	object, ok := value.(types.Object)
	if !ok {
		return out, false
	}
	return plain.Object[T](ctx, object, diags)
}

// isSet tells whether a value is written, and known at least in part.
func isSet(value attr.Value) bool { return !value.IsNull() && !value.IsUnknown() }

// unless is nil, which becomes null, for a default.
func unless[T comparable](value, fallback T) any {
	if value == fallback {
		return nil
	}
	return value
}

func fromDuration(d service.Duration, fallback time.Duration) any {
	if d.D() == fallback {
		return nil
	}
	return engine.FormatDuration(d.D())
}

// fromList is nil, which becomes null, for no elements.
func fromList[T any](values []T) any {
	if len(values) == 0 {
		return nil
	}
	return values
}

// fromMap is nil, which becomes null, for no elements.
func fromMap[T any](values map[string]T) any {
	if len(values) == 0 {
		return nil
	}
	return values
}
