"""The machine at this moment."""

from __future__ import annotations

from pyruns_jupyter.service.operations import READ

from .handler import PyrunsHandler, endpoint


class SystemHandler(PyrunsHandler):
    """`GET system`"""

    @endpoint(READ)
    async def get(self) -> None:
        """Answer a sample of CPU, memory, disk, network and GPUs."""
        await self.answer(self.services.labelled(await self.run(self.services.sampler.sample)))
