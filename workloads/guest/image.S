// The guest image as read-only data of the host library.
        .section .rodata
        .balign 16
        .globl shadowwalk_guest_image
        .globl shadowwalk_guest_image_end
shadowwalk_guest_image:
        .incbin SHADOWWALK_GUEST_IMAGE
shadowwalk_guest_image_end:
        .section .note.GNU-stack, "", @progbits
