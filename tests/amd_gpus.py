"""AMD GPUs of a test: recorded answers of the package `amdsmi`, whose stand-in a process finds."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.support import ROOT


def recorded(serial: int, *, used: int = 300, total: int = 65520, **changed: Any) -> dict[str, Any]:
    """Return the answers of an MI210 (memory in MiB); `changed` are other answers by the name of the
    function, without `amdsmi_get_`.
    """
    answers: dict[str, Any] = {
        "gpu_asic_info": {
            "market_name": "AMD Instinct MI210",
            "vendor_id": "0x1002",
            "vendor_name": "Advanced Micro Devices Inc. [AMD/ATI]",
            "subvendor_id": "0x1002",
            "device_id": "0x740f",
            "rev_id": "0x02",
            "asic_serial": f"0x{serial:016X}",
            "oam_id": "N/A",
            "num_compute_units": 104,
            "target_graphics_version": "gfx90a",
        },
        "gpu_driver_info": {
            "driver_name": "amdgpu",
            "driver_version": "6.10.5",
            "driver_date": "2015/01/01 00:00",
        },
        "gpu_vram_usage": {"vram_total": total, "vram_used": used},
        "gpu_activity": {"gfx_activity": 0, "umc_activity": 0, "mm_activity": "N/A"},
        "power_info": {
            "current_socket_power": "N/A",
            "average_socket_power": 41,
            "gfx_voltage": 793,
            "soc_voltage": "N/A",
            "mem_voltage": "N/A",
            "power_limit": 300000000,
        },
        "power_cap_info": {
            "power_cap": 300000000,
            "default_power_cap": 300000000,
            "dpm_cap": 1700,
            "min_power_cap": 0,
            "max_power_cap": 300000000,
        },
        "clock_info": {
            "SYS": {"clk": 800, "min_clk": 500, "max_clk": 1700, "clk_locked": 0, "clk_deep_sleep": 0},
            "MEM": {"clk": 1600, "min_clk": 400, "max_clk": 1600, "clk_locked": 0, "clk_deep_sleep": 0},
        },
        "temp_metric": 38,
        "gpu_process_list": [],
    }
    return {f"amdsmi_get_{name}": value for name, value in {**answers, **changed}.items()}


def process(pid: int, vram: int) -> dict[str, Any]:
    """Return a process in `amdsmi_get_gpu_process_list`, with `vram` bytes."""
    return {
        "name": "python3",
        "pid": pid,
        "mem": vram,
        "engine_usage": {"gfx": 0, "enc": 0},
        "memory_usage": {"gtt_mem": 0, "cpu_mem": 0, "vram_mem": vram},
    }


@dataclass(frozen=True)
class FakeAmdSmi:
    """The file with the answers, and the environment of processes that read it."""

    state: Path

    @property
    def environment(self) -> dict[str, str]:
        return {"PYTHONPATH": str(ROOT / "tests" / "fakeamdsmi"), "FAKE_AMDSMI_STATE": str(self.state)}

    def write(self, state: list[dict[str, Any]] | str) -> None:
        temporary = self.state.with_suffix(".new")
        temporary.write_text(json.dumps(state), encoding="utf-8")
        temporary.replace(self.state)
